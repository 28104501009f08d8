/** What this room adds to a worker. */
import type { Room } from '../durable';
import { reconcileCertificates } from './keep-certificates';

export const certificatesRoom: Room<never> = {
  operations: [],
  keepers: [({ parts }) => reconcileCertificates(parts)],
};
