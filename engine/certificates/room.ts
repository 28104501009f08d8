/** What this room adds to a worker. */
import type { OperationDefinition, Room } from '../durable';
import { reconcileCertificates } from './keep-certificates';

export const certificatesRoom: Room<OperationDefinition> = {
  operations: [],
  keepers: [({ parts }) => reconcileCertificates(parts)],
};
