/**
 * What is done inside a spare to make it its owner's: key, page, host keys that nobody has seen, and the owner's data
 * in the place of what cloud-init remembers. Safe to repeat.
 */
import {
  type CloudInit,
  type GuestFacts,
  guestUser,
  renderWelcome,
  webRoot,
} from '../../machine/guest/cloud-init';
import { endOfArchive, type Ownership, padding, tarHeader } from '../../base/tar';

/** Of cloud-init, about the VM's last first boot. */
const remembered = '/var/lib/cloud/instance';
/** The guest's own way to new host keys, where it has no OpenSSH. Prints the public key; `--ahead` only makes it. */
const ownRenewal = '/usr/lib/webhoster/new-host-key';
const opensshKey = 'ssh_host_ed25519_key';
/** Where OpenSSH's next one waits. */
const next = '/etc/ssh/webhoster-next';
const makeNextKey = `if [ ! -s ${next}/${opensshKey} ] || [ ! -s ${next}/${opensshKey}.pub ]; then
    rm -rf ${next}
    mkdir -m 0700 ${next}
    ssh-keygen -q -t ed25519 -N '' -C "root@$(hostname)" -f ${next}/${opensshKey}
  fi`;

/**
 * A shell script for the guest agent. Whatever comes from a user travels as base64 and meets no shell. All files come in
 * one archive: a process is up to 100 ms of an emulated guest.
 *
 * @returns a script that prints the new host keys, `ssh-ed25519 AAAA…` each
 */
export function claimScript({ sshPublicKey, welcome }: GuestFacts, { userData }: CloudInit): string {
  const ssh = `/home/${guestUser}/.ssh`;
  const page = `${webRoot}/index.html`;
  const files = archive([
    { path: `${ssh}/`, mode: 0o700, owner: user },
    { path: `${ssh}/authorized_keys`, mode: 0o600, owner: user, content: `${sshPublicKey}\n` },
    { path: page, mode: 0o644, owner: user, content: renderWelcome(welcome) },
    { path: `${remembered}/user-data.txt`, mode: 0o600, owner: root, content: userData },
  ]);
  return `set -eu
# a guest without cloud-init remembers nothing
files="${ssh.slice(1)} ${page.slice(1)}"
[ ! -e ${remembered}/user-data.txt ] || files="$files ${remembered.slice(1)}/user-data.txt"
base64 -d <<'END' | tar -x -m -f - -C / $files
${files}
END
made="${remembered}/user-data.txt.i ${remembered}/cloud-config.txt"
if [ -x ${ownRenewal} ]; then
  [ ! -e ${remembered} ] || rm -f $made
  ${ownRenewal}
else
  ${makeNextKey}
  rm -f $made /etc/ssh/ssh_host_*
  mv ${next}/* /etc/ssh/
  # it reads its keys anew and keeps its port; systemctl does the same, and takes an emulated guest a second
  if [ -s /run/sshd.pid ] && read -r pid </run/sshd.pid && kill -HUP "$pid"; then :; else
    systemctl try-restart ssh.service
  fi
  read -r public </etc/ssh/${opensshKey}.pub
  echo "$public"
fi
(sync; rmdir ${next}) >/dev/null 2>&1 &
`;
}

/**
 * Ends when nothing of the guest's first boot is still at work: what comes later would undo a claim. Makes the host key
 * ahead that the claim will give the guest: nobody has seen it, and an emulated guest needs a while for it.
 */
export const settledScript = `set -eu
if command -v cloud-init >/dev/null; then cloud-init status --wait >/dev/null || [ $? -eq 2 ]; fi
if [ -x ${ownRenewal} ]; then
  ${ownRenewal} --ahead
else
  ${makeNextKey}
fi
`;

/** The host keys that the script printed. */
export function hostKeysIn(output: string): string[] {
  return output
    .split('\n')
    .flatMap((line) => /^(?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]+={0,2}(?=\s|$)/.exec(line)?.[0] ?? []);
}

interface File extends Ownership {
  /** A directory's ends in `/`. */
  readonly path: string;
  readonly content?: string;
}

const user: Ownership['owner'] = { name: guestUser, id: 1000 };
const root: Ownership['owner'] = { name: 'root', id: 0 };

/** In lines of base64. The guest gives it its own time. */
function archive(files: readonly File[]): string {
  const entries = files.flatMap(({ path, content = '', ...ownership }) => {
    const bytes = Buffer.from(content);
    const header = tarHeader({ name: path.slice(1), size: bytes.length }, 0, ownership);
    return [header, bytes, Buffer.alloc(padding(bytes.length))];
  });
  const text = Buffer.concat([...entries, endOfArchive]).toString('base64');
  return text.match(/.{1,76}/g)?.join('\n') ?? '';
}
