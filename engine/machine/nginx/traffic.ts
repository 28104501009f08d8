/** Who uses which VM, as the way in sees it; the guest is not asked. VMs are told by their addresses. */
export interface Traffic {
  /**
   * Visits that ended since the last call (since the first one, at the earliest): when each VM had its last, in ms since
   * 1970. Requests and SSH sessions alike.
   */
  visits(): Promise<ReadonlyMap<string, number>>;
  /** VMs that somebody is connected to now: a request that is not answered yet, a download, an SSH session. */
  connected(): Promise<ReadonlySet<string>>;
}
