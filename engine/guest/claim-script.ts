/**
 * What is done inside a spare to make it its owner's: key, page, host keys that nobody has seen, and the owner's data
 * in the place of what cloud-init remembers. Safe to repeat.
 */
import { type CloudInit, type GuestFacts, guestUser, renderWelcome, webRoot } from '../cloud-init';

/** The guest's own way to new host keys, where it has no OpenSSH. Prints the public key. */
const ownRenewal = '/usr/lib/webhoster/new-host-key';

/**
 * A shell script for the guest agent. Whatever comes from a user travels as base64 and meets no shell.
 *
 * @returns a script that prints the new host keys, `ssh-ed25519 AAAA…` each
 */
export function claimScript({ sshPublicKey, welcome }: GuestFacts, { userData }: CloudInit): string {
  const home = `/home/${guestUser}/.ssh`;
  return `set -eu
put() { # FILE MODE OWNER, content in base64 on stdin
  base64 -d >"$1.new"
  chown "$3" "$1.new"
  chmod "$2" "$1.new"
  mv "$1.new" "$1"
}
mkdir -p ${home}
chown ${guestUser}:${guestUser} ${home}
chmod 0700 ${home}
put ${home}/authorized_keys 0600 ${guestUser}:${guestUser} <<'END'
${base64(`${sshPublicKey}\n`)}
END
put ${webRoot}/index.html 0644 ${guestUser}:${guestUser} <<'END'
${base64(renderWelcome(welcome))}
END
remembered=/var/lib/cloud/instance
if [ -e "$remembered/user-data.txt" ]; then
  rm -f "$remembered/user-data.txt.i" "$remembered/cloud-config.txt"
  put "$remembered/user-data.txt" 0600 root:root <<'END'
${base64(userData)}
END
fi
if [ -x ${ownRenewal} ]; then
  ${ownRenewal}
else
  key=/etc/ssh/ssh_host_ed25519_key
  rm -f /etc/ssh/ssh_host_*
  ssh-keygen -q -t ed25519 -N '' -C "root@$(hostname)" -f "$key"
  # it reads its keys anew and keeps its port
  systemctl reload ssh.service 2>/dev/null || systemctl try-restart ssh.service
  cut -d' ' -f1,2 "$key.pub"
fi
(sync >/dev/null 2>&1 &)
`;
}

/** Ends when nothing of the guest's first boot is still at work: what comes later would undo a claim. */
export const settledScript = `set -eu
if command -v cloud-init >/dev/null; then cloud-init status --wait >/dev/null || [ $? -eq 2 ]; fi
`;

/** The host keys that the script printed. */
export function hostKeysIn(output: string): string[] {
  return output
    .split('\n')
    .flatMap((line) => /^(?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]+={0,2}(?=\s|$)/.exec(line)?.[0] ?? []);
}

/** In lines that every base64 reads. */
function base64(text: string): string {
  return (
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g)
      ?.join('\n') ?? ''
  );
}
