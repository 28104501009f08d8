/**
 * What is made to happen inside a worker, and at which point of an operation. Driver and workers are processes of their
 * own: a fault is a file named after the user and the point, and whoever renames it has it, so that it happens once.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const operationNames = ['create-hosting', 'delete-hosting'] as const;
export type OperationName = (typeof operationNames)[number];
export type Moment = 'before' | 'during' | 'after';

export interface Fault {
  readonly operation: OperationName;
  readonly step: string;
  readonly way: 'do' | 'undo';
  readonly moment: Moment;
  /** `kill` is SIGKILL, `freeze` is SIGSTOP, both to the worker itself; `fail` lets the step fail. */
  readonly act: 'kill' | 'freeze' | 'fail';
  /** Only when an earlier worker had begun the step. @default false */
  readonly resumed?: boolean;
  /** `during`: so long after the step has begun, or when it ends before that. */
  readonly delayMs: number;
}

/** A fault that has happened: when (epoch, ms), and to which worker. */
export interface Fired {
  readonly at: number;
  readonly pid: number;
}

export type Point = Pick<Fault, 'operation' | 'step' | 'way' | 'moment' | 'resumed'>;

export function isChaotic(kind: string): kind is OperationName {
  return operationNames.some((name) => name === kind);
}

export function openFaults(dir: string): void {
  for (const name of ['planned', 'taken', 'fired'])
    mkdirSync(path.join(dir, name), { recursive: true, mode: 0o700 });
}

export function planFault(dir: string, userId: number, fault: Fault): void {
  const name = fileName(userId, fault);
  // a reader must never meet half a file
  writeFileSync(path.join(dir, 'taken', `${name}.new`), JSON.stringify(fault));
  renameSync(path.join(dir, 'taken', `${name}.new`), path.join(dir, 'planned', name));
}

/** @returns the fault that is planned for this point, to this caller only; null when there is none */
export function takeFault(dir: string, userId: number, point: Point): Fault | null {
  const name = fileName(userId, point);
  const taken = path.join(dir, 'taken', name);
  if (
    !succeeds(() => {
      renameSync(path.join(dir, 'planned', name), taken);
    })
  )
    return null;
  return JSON.parse(readFileSync(taken, 'utf8')) as Fault;
}

/** Written just before it happens: a killed process writes nothing any more. */
export function noteFired(dir: string, userId: number, fault: Fault): void {
  const file = path.join(dir, 'fired', fileName(userId, fault));
  const fired: Fired = { at: Date.now(), pid: process.pid };
  writeFileSync(`${file}.new`, JSON.stringify(fired));
  renameSync(`${file}.new`, file);
}

export function firedFault(dir: string, userId: number, fault: Fault): Fired | null {
  let text = '';
  const file = path.join(dir, 'fired', fileName(userId, fault));
  return succeeds(() => {
    text = readFileSync(file, 'utf8');
  })
    ? (JSON.parse(text) as Fired)
    : null;
}

function fileName(userId: number, { operation, step, way, moment, resumed }: Point): string {
  return [userId, operation, step, way, moment, resumed === true ? 'resumed' : 'any'].join('.');
}

function succeeds(body: () => void): boolean {
  try {
    body();
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw thrown;
  }
}
