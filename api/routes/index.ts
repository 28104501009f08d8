/** The route table: what is listed here is served, validated and documented. */
import type { Route } from '../route';
import { listHostings, listOperations, releaseUsername } from './admin';
import { auditRoutes } from './audit';
import { me, register, signIn } from './accounts';
import { detailedHealth, health, version } from './health';
import { domainRoutes } from './domains';
import { createHosting, deleteMyHosting, removeHosting, showMyHosting, showOneHosting } from './hostings';
import { labelRoutes } from './labels';
import { planRoutes } from './plans';
import { wakeMyHosting } from './wake';
import { runRoutes } from './runs';
import { sessionRoutes } from './sessions';
import { tokenRoutes } from './tokens';
import { cancelOperation, followOperation, showOneOperation } from './operations';

export const routes: readonly Route[] = [
  register,
  signIn,
  me,
  ...sessionRoutes,
  ...tokenRoutes,
  createHosting,
  showMyHosting,
  wakeMyHosting,
  deleteMyHosting,
  showOneHosting,
  removeHosting,
  ...domainRoutes,
  showOneOperation,
  followOperation,
  cancelOperation,
  ...planRoutes,
  ...runRoutes,
  listHostings,
  ...labelRoutes,
  listOperations,
  releaseUsername,
  ...auditRoutes,
  health,
  detailedHealth,
  version,
];
