import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';
import type { OperationKind, OperationStatus, OperationStep } from '../../model/operation';
import type { ErrorCode } from '../../base/errors';
import type { Lane } from '../../model/lane';

@Entity('operations')
export class OperationRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') kind!: OperationKind;
  @Column('uuid', { name: 'stack_id' }) stackId!: string;
  @Column('uuid', { name: 'hosting_id', nullable: true }) hostingId!: string | null;
  @Column('integer', { name: 'user_id', nullable: true }) userId!: number | null;
  @Column('text') status!: OperationStatus;
  @Column('jsonb', { default: {} }) input!: Record<string, unknown>;
  /** Which workers take it, and when its turn comes among what they wait for: see queue/queue.ts. */
  @Column('text', { default: 'boots' }) lane!: Lane;
  @Column('integer', { default: 0 }) priority!: number;
  @Column('text', { name: 'failure_code', nullable: true }) failureCode!: ErrorCode | null;
  @Column('text', { name: 'failure_message', nullable: true }) failureMessage!: string | null;
  @Column('boolean', { name: 'cancel_requested', default: false }) cancelRequested!: boolean;
  /** W3C's `traceparent` of the request that asked for it; null where nothing is traced, or nobody asked. */
  @Column('text', { name: 'trace_parent', nullable: true }) traceParent!: string | null;
  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'started_at', nullable: true }) startedAt!: Date | null;
  @Column('timestamptz', { name: 'finished_at', nullable: true }) finishedAt!: Date | null;
}

@Entity('operation_steps')
export class OperationStepRow {
  @PrimaryColumn('uuid', { name: 'operation_id' }) operationId!: string;
  @PrimaryColumn('integer') position!: number;
  @Column('text') name!: string;
  @Column('text', { default: 'pending' }) status!: OperationStep['status'];
  @Column('integer', { default: 0 }) tries!: number;
  @Column('jsonb', { nullable: true }) output!: unknown;
  @Column('timestamptz', { name: 'started_at', nullable: true }) startedAt!: Date | null;
  @Column('timestamptz', { name: 'finished_at', nullable: true }) finishedAt!: Date | null;
}

@Entity('operation_events')
export class OperationEventRow {
  @PrimaryColumn('uuid', { name: 'operation_id' }) operationId!: string;
  @PrimaryColumn('integer') number!: number;
  @Column('timestamptz', { default: () => 'clock_timestamp()' }) at!: Date;
  @Column('text') type!: string;
  @Column('text') message!: string;
  @Column('jsonb', { default: {} }) data!: Record<string, unknown>;
}
