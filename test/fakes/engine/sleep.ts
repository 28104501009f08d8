/** Waking, as the fake engine does it. */
import { type Engine, EngineError } from '../../../engine';
import { hasEnded } from './operation-records';
import type { Records } from './records';

const steps = ['room', 'fence', 'start', 'settle', 'open'];

export function fakeSleep({ begin, hostings, operations }: Records): Engine['sleep'] {
  return {
    wake: async (user) => {
      const hosting = hostings.of(user);
      if (hosting === undefined) throw new EngineError('hosting_not_found');
      const { id: hostingId, userId, vmName, status } = hosting;
      const underWay = operations
        .all()
        .find((each) => each.hostingId === hostingId && each.kind === 'wake-hosting' && !hasEnded(each));
      if (underWay !== undefined) return underWay;
      if (status === 'running' || status === 'unreachable') return null;
      if (status === 'creating' || status === 'deleting' || status === 'stopped')
        throw new EngineError('hosting_busy', `Only a sleeping hosting can be woken; ${vmName} is ${status}`);
      const onEnd = (operation: { readonly status: string }): void => {
        if (operation.status === 'succeeded') hostings.change(hostingId, { status: 'running' });
      };
      return begin({ kind: 'wake-hosting', userId, hostingId, steps, onEnd });
    },
  };
}
