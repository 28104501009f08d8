/** Failures on command: the named points of the fakes consult this before they go on. */
export type Fault = (signal?: AbortSignal) => Promise<void> | void;

export class Faults {
  private readonly planned = new Map<string, Fault[]>();
  readonly visited: string[] = [];

  /** The next `times` visits of the point fail. @default times 1 */
  fail(point: string, error: Error, times = 1): void {
    for (let count = 0; count < times; count++) this.once(point, () => Promise.reject(error));
  }

  /** Runs `fault` at the next visit of the point. */
  once(point: string, fault: Fault): void {
    this.planned.set(point, [...(this.planned.get(point) ?? []), fault]);
  }

  clear(): void {
    this.planned.clear();
  }

  async at(point: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.visited.push(point);
    await this.planned.get(point)?.shift()?.(signal);
  }
}
