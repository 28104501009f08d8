import type { NodeCapacity } from '../../model/capacity';
import type { SupportedLimits } from '../../machine/isolation/isolation';
import type { StateMark } from '../../machine/terraform/judge-state';
import type { ResourceChange } from '../../model/plan';
import type { Phase } from '../../machine/terraform/run-record';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StackSpec } from '../../../stacks';

@Entity('stacks')
export class StackRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') kind!: StackSpec['kind'];
  @Column('jsonb', { nullable: true }) spec!: StackSpec | null;
  @Column('bigint', { name: 'state_serial', nullable: true }) stateSerial!: string | null;
  @Column('bytea', { name: 'state_sealed', nullable: true }) stateSealed!: Buffer | null;
  @Column('jsonb', { name: 'state_mark', nullable: true }) stateMark!: StateMark | null;
  @Column('timestamptz', { name: 'state_saved_at', nullable: true }) stateSavedAt!: Date | null;
}

@Entity('nodes')
export class NodeRow {
  @PrimaryColumn('text') name!: string;
  @Column('uuid', { name: 'stack_id' }) stackId!: string;
  @Column('text', { name: 'domain_type', nullable: true }) domainType!: 'kvm' | 'qemu' | null;
  /** Fingerprint of what the node was last prepared from; null until it is ready. */
  @Column('text', { nullable: true }) prepared!: string | null;
  /** Image name -> how a VM boots from it on this node. */
  @Column('jsonb', { default: {} }) images!: Record<string, unknown>;
  /** What a VM can be limited in here; null while the node has no filter of its own yet. */
  @Column('jsonb', { nullable: true }) limits!: SupportedLimits | null;
  /** As a worker measured it last; null where none has yet. */
  @Column('jsonb', { nullable: true }) capacity!: NodeCapacity | null;
}

@Entity('runs')
export class RunRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'stack_id' }) stackId!: string;
  @Column('uuid', { name: 'operation_id', nullable: true }) operationId!: string | null;
  @Column('text') kind!: 'plan' | 'apply' | 'destroy';
  @Column('text') host!: string;
  @Column('timestamptz', { name: 'started_at', default: () => 'clock_timestamp()' }) startedAt!: Date;
  @Column('timestamptz', { name: 'finished_at', nullable: true }) finishedAt!: Date | null;
  @Column('integer', { name: 'exit_code', nullable: true }) exitCode!: number | null;
  @Column('jsonb', { default: [] }) timings!: Phase[];
  /** Terraform's own JSON, masked. */
  @Column('jsonb', { nullable: true }) plan!: Record<string, unknown> | null;
  @Column('text', { name: 'plan_text', nullable: true }) planText!: string | null;
  @Column('jsonb', { nullable: true }) changes!: ResourceChange[] | null;
  @Column('jsonb', { default: {} }) tools!: Record<string, string>;
  @Column('text', { default: '' }) log!: string;
}
