import { isReservedUsername } from '../../../../engine/accounts/reserved-usernames';

const free = [
  ...[
    'mina',
    'kim-x',
    'ana-maria',
    'rooted',
    'mail-order-kim',
    'adminton',
    'supporter',
    'steam',
    'ns',
    'u-1a2b3c4d',
  ],
  ...['team-7', 'team12', 'nginx-fan', 'host-of-kim', 'vmware-fan', 'deadbeef', 'www-kim', 'seoul-2026'],
].filter((name) => name !== 'ns');

it.each(free)('the username %s is free', (name) => expect(isReservedUsername(name)).toBe(false));

it.each([
  [
    'the product',
    ['webhoster', 'vm-webhoster', 'web-hoster', 'webhoster-team', 'my-webhoster', 'kim-webhoster'],
  ],
  ['what runs here', ['nginx', 'libvirt', 'qemu', 'terraform', 'postgresql', 'redis', 'grafana', 'docker']],
  [
    'people who are believed',
    ['security-team', 'it-admin', 'admin-kim', 'admins', 'support-desk', 'root1', 'abuse'],
  ],
  [
    'people of the company',
    ['billing', 'billing-support', 'kim-support', 'noc', 'moderator', 'official-kim', 'ops'],
  ],
  [
    'mailboxes of RFC 2142',
    ['info', 'marketing', 'sales', 'hostmaster', 'usenet', 'news', 'uucp', 'post-master'],
  ],
  ['mailboxes that certify', ['ssladmin', 'sslwebmaster', 'ssladministrator', 'administrator', 'webmaster']],
  [
    'host names that are looked for',
    ['mx', 'ns1', 'ns13', 'mx-2', 'autoconfig', 'autodiscover', 'wpad', 'isatap'],
  ],
  ['more of them', ['mta-sts', 'openpgpkey', 'www2', 'smtp01', 'imap', 'ldap', 'gateway', 'localdomain']],
  ['names of VMs', ['vm-2d0c9cfe', 'vm-00000000', 'vm-2d0c9cf', 'vm-kim']],
  ['who acts in records', ['anonymous', 'operator', 'service', 'deleted']],
])('usernames are reserved for %s', (_what, names) => {
  expect(names.filter((name) => !isReservedUsername(name))).toEqual([]);
});
