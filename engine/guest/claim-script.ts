/**
 * What is done inside a spare to make it its owner's: key, page, host keys that nobody has seen, and the owner's data
 * in the place of what cloud-init remembers. Safe to repeat.
 */
import { type CloudInit, type GuestFacts, guestUser, renderWelcome, webRoot } from '../cloud-init';
import { endOfArchive, type Ownership, padding, tarHeader } from '../tar';

/** The guest's own way to new host keys, where it has no OpenSSH. Prints the public key; `--ahead` only makes it. */
const ownRenewal = '/usr/lib/webhoster/new-host-key';
/** Where OpenSSH's next one waits. */
const nextKey = '/etc/ssh/webhoster_next_ed25519_key';
const makeNextKey = `if [ ! -s ${nextKey} ] || [ ! -s ${nextKey}.pub ]; then
    rm -f ${nextKey} ${nextKey}.pub
    ssh-keygen -q -t ed25519 -N '' -C "root@$(hostname)" -f ${nextKey}
  fi`;

/**
 * A shell script for the guest agent. Whatever comes from a user travels as base64 and meets no shell. All files come in
 * one archive: each process is 10 ms of an emulated guest.
 *
 * @returns a script that prints the new host keys, `ssh-ed25519 AAAA…` each
 */
export function claimScript({ sshPublicKey, welcome }: GuestFacts, { userData }: CloudInit): string {
  const ssh = `/home/${guestUser}/.ssh`;
  return `set -eu
${unpack([
  { path: `${ssh}/`, mode: 0o700, owner: user },
  { path: `${ssh}/authorized_keys`, mode: 0o600, owner: user, content: `${sshPublicKey}\n` },
  { path: `${webRoot}/index.html`, mode: 0o644, owner: user, content: renderWelcome(welcome) },
])}
remembered=/var/lib/cloud/instance
if [ -e "$remembered/user-data.txt" ]; then
  rm -f "$remembered/user-data.txt.i" "$remembered/cloud-config.txt"
${unpack([{ path: '/var/lib/cloud/instance/user-data.txt', mode: 0o600, owner: root, content: userData }])}
fi
if [ -x ${ownRenewal} ]; then
  ${ownRenewal}
else
  ${makeNextKey}
  key=/etc/ssh/ssh_host_ed25519_key
  rm -f /etc/ssh/ssh_host_*
  mv ${nextKey}.pub "$key.pub"
  mv ${nextKey} "$key"
  # it reads its keys anew and keeps its port
  systemctl reload ssh.service 2>/dev/null || systemctl try-restart ssh.service
  cut -d' ' -f1,2 "$key.pub"
fi
(sync >/dev/null 2>&1 &)
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

/** The command that puts files in their places, whatever was there, with the guest's own time. */
function unpack(files: readonly File[]): string {
  const archive = files.flatMap(({ path, content = '', ...ownership }) => {
    const bytes = Buffer.from(content);
    const header = tarHeader({ name: path.slice(1), size: bytes.length }, 0, ownership);
    return [header, bytes, Buffer.alloc(padding(bytes.length))];
  });
  return `base64 -d <<'END' | tar -x -m -f - -C /
${inLines(Buffer.concat([...archive, endOfArchive]).toString('base64'))}
END`;
}

/** As every base64 reads it. */
function inLines(text: string): string {
  return text.match(/.{1,76}/g)?.join('\n') ?? '';
}
