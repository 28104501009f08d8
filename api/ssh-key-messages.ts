/** What is wrong with an SSH key, and how to correct it. */
import { type SshKeyProblem, sshKeyProblems } from '../engine';
import type { Text } from './language';

const korean: Readonly<Record<SshKeyProblem, string>> = {
  ssh_key_invalid:
    '"ssh-ed25519 AAAA… you@laptop"과 같은 OpenSSH 공개 키여야 합니다. `cat ~/.ssh/id_ed25519.pub`로 확인할 수 있습니다.',
  ssh_key_empty: '비어 있습니다. 이 항목을 생략하면 키 쌍이 새로 생성됩니다.',
  ssh_key_private:
    '개인 키입니다. 개인 키는 누구에게도 보내지 말고 `ssh-keygen -y -f 파일`로 출력한 공개 키를 보내세요.',
  ssh_key_putty:
    'PuTTY 형식의 파일입니다. PuTTYgen에서 열어 "Public key for pasting into OpenSSH authorized_keys file" 아래의 내용을 복사하세요.',
  ssh_key_fingerprint: '키의 지문입니다. `cat ~/.ssh/id_ed25519.pub`로 출력한 키 자체를 보내세요.',
  ssh_key_file: '키가 있는 위치입니다. `cat ~/.ssh/id_ed25519.pub`로 출력한 파일 내용을 보내세요.',
  ssh_key_pem: 'PEM 형식의 키입니다. `ssh-keygen -i -m PKCS8 -f 파일`로 OpenSSH 형식으로 변환하세요.',
  ssh_key_several: '키는 하나만 보낼 수 있습니다. 다른 줄은 삭제하세요.',
  ssh_key_options: 'ssh-ed25519와 같은 키 종류로 시작해야 합니다. 그 앞의 내용은 삭제하세요.',
  ssh_key_certificate: '인증서입니다. 이름에 -cert가 없는 파일의 키를 보내세요.',
  ssh_key_type:
    '지원하지 않는 종류의 키입니다. `ssh-keygen -t ed25519`로 만드세요(ecdsa, rsa와 -sk 키도 사용할 수 있습니다).',
  ssh_key_short: 'RSA 키는 2048비트 이상이어야 합니다. `ssh-keygen -t ed25519`로 새로 만드는 것을 권합니다.',
  ssh_key_damaged: '키가 잘렸거나 변경되었습니다. 처음부터 끝까지 다시 복사하세요.',
};

export const sshKeyMessages = Object.fromEntries(
  Object.entries(sshKeyProblems).map(([problem, en]) => [
    problem,
    { en, ko: korean[problem as SshKeyProblem] },
  ]),
) as Readonly<Record<SshKeyProblem, Text>>;
