/** Whether anything answers at the addresses of VMs. */
import { eachOf } from '../base/each-of';
import type { Parts } from '../durable';

/** One that is up answers within a millisecond, whatever its firewall lets through: its kernel answers for its address. */
const atOnce = 32;

/** @returns the ids of those that nothing answers for */
export async function silentHostings(
  { guest }: Pick<Parts, 'guest'>,
  hostings: readonly { readonly id: string; readonly ip: string }[],
): Promise<Set<string>> {
  // one that was plugged in a moment ago, or boots, is there at the second look
  const isThere = async (ip: string): Promise<boolean> => (await guest.isThere(ip)) || guest.isThere(ip);
  const found = await eachOf(hostings, atOnce, async ({ id, ip }) => ((await isThere(ip)) ? [] : [id]));
  return new Set(found.flat());
}
