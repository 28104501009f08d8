/** What runs inside a VM and does as the host says (QEMU's guest agent), reached without any network. */
export interface Agent {
  /**
   * Runs a shell script as root in the VM.
   *
   * @param domain  name of the VM in libvirt
   * @returns what it wrote to its standard output
   * @throws {EngineError} guest_unreachable when the agent does not answer or the script fails; libvirt_unavailable
   */
  run(domain: string, script: string, options: AgentOptions): Promise<string>;
  /**
   * Sets the VM's clock: one that was saved has stood still.
   *
   * @throws {EngineError} guest_unreachable when the agent does not answer; libvirt_unavailable
   */
  setTime(domain: string, at: Date, signal: AbortSignal): Promise<void>;
}

/** What no write can take back: see guarded.ts. */
export const irreversibleOfAgent = ['run'] as const satisfies readonly (keyof Agent)[];

export interface AgentOptions {
  readonly signal: AbortSignal;
  /** For the whole script. */
  readonly timeoutMs: number;
}
