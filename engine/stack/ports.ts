/** What steps of this service work with, and the words that operations are written in. */
import { endProcessesIn } from '../base/process';
import { irreversibleOfNodeCare } from '../machine/host/node-care';
import { irreversibleOfIsolation } from '../machine/isolation/isolation';
import { irreversibleOfAgent } from '../machine/libvirt/agent';
import { irreversibleOfInventory } from '../machine/libvirt/inventory';
import { terraformVerbs } from '../machine/terraform/terraform';
import {
  type Given,
  guarded,
  type HeldStep,
  type OperationDefinition,
  type RunnerOptions,
  type Parts,
  tracedPort,
  wordsFor,
} from '../durable';
import { stackWorkspace } from '../machine/terraform/workspace';
import { type StackPort, stackPort } from './port';
import type { StackParts } from './step';

/** Each is guarded: what cannot be taken back begins only while the lease is held. */
export interface Ports extends Pick<
  Parts,
  | 'agent'
  | 'clock'
  | 'config'
  | 'database'
  | 'guest'
  | 'images'
  | 'inventory'
  | 'isolation'
  | 'nodeCare'
  | 'proxy'
  | 'routePublisher'
  | 'traffic'
  | 'virtualization'
> {
  readonly stack: StackPort;
}

/** An operation as the runner takes it. */
export type Definition = OperationDefinition<Ports>;

/** What a step is given that needs these. */
export type StepWith<Needs extends keyof Ports = never, Input = unknown> = Given<Ports, Needs, Input>;

export const { operation, steps } = wordsFor<Ports>();

type Machine = Omit<Ports, 'stack'> & StackParts & Pick<Parts, 'tracing'>;

/** @returns binds them to a step */
export function portsOf(machine: Machine): (step: HeldStep) => Ports {
  const { tracing, ...parts } = machine;
  const terraform = tracedPort(parts.terraform, terraformVerbs, { tracing, name: 'terraform' });
  return (step) => {
    const { log, assertHeld } = step;
    const held = <Port extends object>(port: Port, irreversible: readonly (keyof Port & string)[]): Port =>
      guarded(port, irreversible, assertHeld);
    const inventory = held(parts.inventory, irreversibleOfInventory);
    return {
      ...parts,
      inventory,
      agent: held(parts.agent, irreversibleOfAgent),
      isolation: held(parts.isolation, irreversibleOfIsolation),
      nodeCare: held(parts.nodeCare, irreversibleOfNodeCare),
      stack: stackPort({
        ...step,
        parts: { ...parts, log, inventory, terraform: held(terraform, terraformVerbs) },
      }),
    };
  };
}

/** What a runner needs to know of this service's stacks. */
export function stackWork(machine: Machine): Pick<RunnerOptions<Ports>, 'ports' | 'takeOver'> {
  return {
    ports: portsOf(machine),
    takeOver: (stackId) => endProcessesIn(stackWorkspace(machine.config, stackId)),
  };
}
