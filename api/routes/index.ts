/** The route table: what is listed here is served, validated and documented. */
import type { Route } from '../route';
import { listOperations } from './admin';
import { me, register, signIn } from './accounts';
import { detailedHealth, health, version } from './health';
import { createHosting, deleteMyHosting, showMyHosting } from './hostings';
import { domainRoutes } from './domains';
import { planRoutes } from './plans';
import { runRoutes } from './runs';
import { cancelOperation, followOperation, showOneOperation } from './operations';

export const routes: readonly Route[] = [
  register,
  signIn,
  me,
  createHosting,
  showMyHosting,
  deleteMyHosting,
  ...domainRoutes,
  showOneOperation,
  followOperation,
  cancelOperation,
  ...planRoutes,
  ...runRoutes,
  listOperations,
  health,
  detailedHealth,
  version,
];
