/** What the engine asks of a VM from outside. A DHCP lease proves nothing; only answers do. */
export interface Guest {
  /** True when the VM's web server answers with a page that carries `marker`. One try, short. */
  servesPage(ip: string, marker: string): Promise<boolean>;
  /** The VM's SSH host keys (`ssh-ed25519 AAAA…`); empty while SSH does not answer. One try, short. */
  sshHostKeys(ip: string): Promise<string[]>;
  /** True when the VM's network is up: it takes or refuses a connection to SSH. One try, short. */
  answers(ip: string): Promise<boolean>;
  /**
   * False when nothing has the VM's address: no answer on the link. One that answers nobody's connections is there. At
   * most four seconds.
   */
  isThere(ip: string): Promise<boolean>;
}
