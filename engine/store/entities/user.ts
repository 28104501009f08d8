import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { Role } from '../../model/account';

@Entity('users')
export class UserRow {
  @PrimaryGeneratedColumn('identity', { type: 'integer' }) id!: number;
  @Column('text') email!: string;
  /** By which accounts are told apart; see accounts/emails.ts. */
  @Column('text', { name: 'email_key' }) emailKey!: string;
  @Column('text') username!: string;
  @Column('text', { name: 'password_hash' }) passwordHash!: string;
  @Column('text', { default: 'user' }) role!: Role;
  @Column('integer', { name: 'session_version', default: 1 }) sessionVersion!: number;
  @Column('timestamptz', { name: 'deleted_at', nullable: true }) deletedAt!: Date | null;
  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' }) createdAt!: Date;
}
