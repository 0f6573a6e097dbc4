/** How each operation is carried out. */
import { commitFailback } from './commit-failback.ts';
import { failback, switchToProduction } from './failback.ts';
import { partialFailover } from './partial-failover.ts';
import { permanentFailover } from './permanent-failover.ts';
import type { Procedure } from './phase.ts';
import { plannedFailover } from './planned-failover.ts';
import { reconnect } from './reconnect.ts';
import type { OrderedOperation } from './replica.ts';
import { undoFailback } from './undo-failback.ts';
import { undoFailover } from './undo-failover.ts';

export const procedures: Readonly<Record<OrderedOperation, Procedure>> = {
  failover: partialFailover,
  'planned-failover': plannedFailover,
  'undo-failover': undoFailover,
  'permanent-failover': permanentFailover,
  failback,
  switch: switchToProduction,
  'commit-failback': commitFailback,
  'undo-failback': undoFailback,
  reconnect,
};
