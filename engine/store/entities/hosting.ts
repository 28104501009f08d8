import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';
import type { HostingStatus, HostingTrouble, SpareStatus } from '../../model/hosting';
import type { ErrorCode } from '../../base/errors';

@Entity('hostings')
export class HostingRow {
  @PrimaryColumn('uuid') id!: string;
  /** null until somebody owns it: see spares.ts. */
  @Column('integer', { name: 'user_id', nullable: true }) userId!: number | null;
  @Column('text') node!: string;
  @Column('text', { name: 'vm_name' }) vmName!: string;
  @Column('text') status!: HostingStatus | SpareStatus;
  @Column('text') image!: string;
  @Column('integer', { name: 'memory_mib' }) memoryMiB!: number;
  @Column('integer') vcpus!: number;
  @Column('integer', { name: 'disk_gib' }) diskGiB!: number;
  @Column('inet') ip!: string;
  @Column('macaddr') mac!: string;
  @Column('integer', { name: 'ssh_port' }) sshPort!: number;
  @Column('text', { name: 'ssh_public_key' }) sshPublicKey!: string;
  @Column('text', { name: 'ssh_host_keys', array: true, default: '{}' }) sshHostKeys!: string[];
  @Column('text', { name: 'failure_code', nullable: true }) failureCode!: ErrorCode | null;
  @Column('text', { name: 'failure_message', nullable: true }) failureMessage!: string | null;
  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'ready_at', nullable: true }) readyAt!: Date | null;
  @Column('timestamptz', { name: 'ended_at', nullable: true }) endedAt!: Date | null;
  /** As the last look found it while it should run; see troubles.ts. */
  @Column('text', { nullable: true }) trouble!: HostingTrouble | null;
  @Column('jsonb', { default: {} }) labels!: Record<string, string>;
}
