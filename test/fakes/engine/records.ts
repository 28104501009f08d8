/** What the rooms of the fake engine share. */
import type { Operation, OperationKind, User } from '../../../engine';
import type { Broken } from './broken';
import type { HostingRecords } from './hosting-records';
import type { OperationRecords } from './operation-records';
import type { People } from './people';

export interface Records {
  readonly broken: Broken;
  readonly people: People;
  readonly hostings: HostingRecords;
  readonly operations: OperationRecords;
  /**
   * Accepts an operation, which ends at once or when the test says so.
   *
   * @param onEnd  @default nothing changes
   * @returns it as it was accepted: also when it ends at once, the caller learns of it by waiting
   */
  begin(
    kind: OperationKind,
    user: User,
    hostingId: string,
    steps: readonly string[],
    onEnd?: (operation: Operation) => void,
  ): Operation;
}
