/** What the rooms of the fake engine share. */
import type { Operation } from '../../../engine';
import type { Broken } from './broken';
import type { HostingRecords } from './hosting-records';
import type { NewOperation } from './new-operation';
import type { OperationRecords } from './operation-records';
import type { People } from './people';
import type { RunRecords } from './run-records';

export interface Records {
  readonly broken: Broken;
  readonly people: People;
  readonly hostings: HostingRecords;
  readonly operations: OperationRecords;
  readonly runs: RunRecords;
  /**
   * Accepts an operation, which ends at once or when the test says so.
   *
   * @returns it as it was accepted: also when it ends at once, the caller learns of it by waiting
   */
  begin(given: NewOperation): Operation;
  /** For one that was stuck. */
  resume(id: string): Operation;
}
