/** `webhoster operations`: what runs, what ended how, and what is stuck with what it still owns. */
import { Command, Option } from 'commander';
import { showListedOperation } from '../../api/views';
import { printJson } from '../json';
import { overTheApi, withFacts } from '../facts';
import { type ListedOperation, longestPage, type OperationStatus, operationStatuses } from '../../engine';
import { ageOf } from '../age';
import { tableLines } from '../table';
import { withOperator } from '../with-operator';
import { wholeNumber } from '../whole-number';

interface Options {
  readonly status?: OperationStatus;
  readonly limit: number;
  readonly json?: boolean;
}

export function operationsCommand(): Command {
  const command = new Command('operations')
    .description(
      'Lists the operations of all users, newest first; stuck ones with the resources they still hold',
    )
    .addOption(new Option('--status <status>', 'only operations with this status').choices(operationStatuses))
    .option(
      '--limit <count>',
      `maximum number of operations, up to ${longestPage}`,
      wholeNumber(longestPage),
      20,
    )
    .option('--json', 'JSON output, for scripts')
    .action(async ({ status, limit, json }: Options, self: Command) => {
      const found = await withOperator(self, (operator) => operator.operations({ status, limit }));
      if (json) printJson(found.map((operation) => showListedOperation(operation, 'en')));
      else for (const line of operationLines(found, new Date())) console.log(line);
    });
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster operations --status stuck', 'webhoster doctor --fix   # resumes the stuck ones'],
    exitCodes: { 0: 'listed', 1: 'failed', 2: 'wrong usage', ...overTheApi },
  });
}

/** A table with a line below a stuck operation for each thing that it owns. */
export function operationLines(operations: readonly ListedOperation[], now: Date): string[] {
  const [headings = '', ...rows] = tableLines(
    ['KIND', 'STATUS', 'HOSTING', 'SINCE', 'AGE', 'REASON'],
    operations.map(({ kind, status, vmName, createdAt, failure }) => [
      kind,
      status,
      vmName ?? '-',
      `${createdAt.toISOString().slice(0, 19)}Z`,
      ageOf(createdAt, now),
      failure === null ? '-' : `${failure.code}: ${failure.message}`,
    ]),
  );
  return [
    headings,
    ...operations.flatMap(({ owns }, index) => [rows[index] ?? '', ...owns.map((owned) => `    ${owned}`)]),
  ];
}
