/** One user’s VM with its page and SSH port: create, delete, and the spares that wait for an owner. */
export { hostingPolicy, hostingSpec } from './facts';
export { acceptDelete, hostings, type Hostings, livingHosting, reserve } from './hostings';
export { labels, type Labels } from './labels';
export { lookAtOne } from './look-at-one';
export {
  hostingAt,
  leadToDoors,
  leadToVm,
  putFences,
  room,
  roomToSave,
  save,
  setClock,
  start,
  whileAsleep,
  whileDown,
} from './power-steps';
export { runs, type Runs } from './runs';
export { keepPool } from './spares/keep-pool';
export { acceptSpare } from './spares/make';
export { keepsSpares } from './spares/pool';
export { makeKeyPair, parsePublicKey, readPublicKey, type SshKeyProblem, sshKeyProblems } from './ssh-key';
export { unroute } from './steps';
export { toHosting } from './view';
export { hostingNamed, noSuchHosting, visibleHosting } from './visible';
export { assertNoneEjected, vmExists } from './vm-exists';
export { waitForSsh } from './wait-for-guest';
export { hostingsRoom } from './room';
export { publishRoutes } from './publish-routes';
