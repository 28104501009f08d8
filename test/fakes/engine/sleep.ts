/** Waking, as the fake engine does it. */
import type { Engine } from '../../../engine';
import type { Records } from './records';

export function fakeSleep({ begin, hostings }: Records, mine: Engine['hostings']['mine']): Engine['sleep'] {
  return {
    wake: async (user) => {
      const { id, status } = await mine(user);
      if (status !== 'sleeping') return null;
      return begin('wake-hosting', user, id, ['start', 'open'], () => {
        hostings.change(user, { status: 'running' });
      });
    },
  };
}
