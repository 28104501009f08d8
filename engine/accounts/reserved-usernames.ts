/**
 * Usernames that nobody gets. A username is a host name under BASE_DOMAIN, the name that other people see, and a word that
 * commands take beside the names of VMs: none may pose as the service, its people, its mail or a machine of its own.
 *
 * A list of our own: the lists on npm are of names that web applications need for their paths, have hundreds of words that
 * mean nothing to a host, and know neither the affixes nor the numbers below. The sources of each part are named.
 */

const words = (text: string): readonly string[] => text.split(/\s+/);

/** Mailboxes that authorities and abuse desks write to: RFC 2142, and those of the CA/Browser Forum for certificates. */
const mailboxes =
  words(`abuse admin administrator dns ftp hostmaster info list list-request mailer-daemon majordomo
  marketing news noc no-reply noreply postmaster sales security ssladmin ssladministrator sslwebmaster support
  trouble usenet uucp webmaster www`);

/** Who is believed without a question; alone, and as the first or last part of a name: `security-team`, `admin-kim`. */
const roles =
  words(`abuse accounting admin administration administrator admins billing ceo cert compliance csirt cto
  founder helpdesk hostmaster infosec management moderator noc official operations operator ops owner payment payments
  postmaster privacy psirt root security soc superuser support sysadmin sysop webhoster webmaster`);
/** Only behind something: `webhoster-team` speaks for it, `team-7` is a group of students. */
const bodies = words(`team staff desk bot`);

/**
 * Names by which machines find a service without being told: RFC 6186 and 8461, WPAD, ISATAP, Mozilla's and Microsoft's
 * autoconfiguration; and the usual host names of a domain.
 */
const hosts =
  words(`autoconfig autodiscover broadcasthost cdn cpanel dc dhcp dmz dns fw firewall ftp ftps gateway gc
  gw host hostname imap imaps intranet isatap kerberos ldap ldaps localdomain localhost mail mailhost mailserver
  mta mta-sts mx nameserver ns ntp openpgpkey outlook owa pop pop3 pop3s proxy relay resolver rdns router sftp smtp
  smtps spf sip ssh stun switch time tftp turn vpn vps w whois wpad www wwww web webdav webdisk webmail xmpp`);

/** Products and protocols that run here or beside it, paths of the service, accounts of Debian, words of its commands. */
const services =
  words(`account accounts acme alertmanager anonymous ansible api apache app apps assets audit auth backup
  backups beta blog caddy ci cli cloud config console contact control daemon dashboard data database db debian
  debug deleted deploy dev developer developers doc docker docs download downloads edge email error events faq file files
  forum git github gitlab grafana graphql guest haproxy health help home hosting hostings http https id images img internal invalid jenkins jobs js json kubernetes kvm legal libvirt
  libvirt-qemu license live local log login logout logs machine master me media metrics mobile monitor monitoring
  my mysql network nginx node nodes nobody null oauth official online openid operation operations opentofu packages
  panel pay pgsql ping portal postgres postgresql private prod production prometheus public qemu queue redis register
  registry remote repo rest restricted run runs s3 secure security-txt server servers service services session sessions
  settings setup signin signout signup site sites spare spares sql ssl sso staging stat static stats status storage
  store sudo swagger system systemd sync syslog teardown telnet terraform test testing tls token tokens tofu traefik
  ubuntu undefined unknown update updates upload uploads user username users verify version virt virsh vm vms
  vm-webhoster vnc void webhoster webhosting webhook webhooks websocket wiki worker workers ws wss www-data x11`);

const bareWords = new Set([...mailboxes, ...roles, ...bodies, ...hosts, ...services]);
/** As people write them apart: `web-hoster`, `post-master`. */
const joinedWords = new Set([...bareWords].map((word) => word.replaceAll('-', '')));
const roleWords = new Set(roles);
const bodyWords = new Set(bodies);
/** `ns1`, `mx02`, `www3`, `admin1`: a number makes no other host, and no other person, of these. */
const numberedWords = new Set([...hosts, ...roles, ...mailboxes]);

/** What names of VMs look like, and what is as good for a mistake. Ids have dashes at places, and are too long for a username. */
const vmForm = /^vm-/;

export function isReservedUsername(name: string): boolean {
  if (bareWords.has(name) || joinedWords.has(name.replaceAll('-', ''))) return true;
  if (numberedWords.has(name.replace(/-?\d+$/, ''))) return true;
  const [first = '', ...more] = name.split('-').map((part) => part.replace(/\d+$/, ''));
  const last = more.at(-1) ?? '';
  return [first, last].some((part) => roleWords.has(part)) || bodyWords.has(last) || vmForm.test(name);
}
