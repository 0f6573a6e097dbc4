/** The last operation, as the user gave it: of several tenants it is one for each, under way together. */
import type { TraceEvent } from '../trace/event.ts';
import type { EventLog } from '../trace/log.ts';

export type OperationEnd = Extract<TraceEvent, { kind: 'operation' }>;

export interface LastOperation {
  /** Id of the fact that the first of them began with. */
  readonly began: number;
  /** How those ended that have. */
  readonly ended: readonly OperationEnd[];
  readonly underWay: number;
}

/** Undefined where there has been none. */
export function lastOperation(log: EventLog): LastOperation | undefined {
  let began = -1;
  let underWay = 0;
  let ended: OperationEnd[] = [];
  for (const event of log.facts(['operation'])) {
    if (event.state !== 'started') {
      underWay -= 1;
      ended.push(event);
      continue;
    }
    if (underWay === 0) {
      began = event.id;
      ended = [];
    }
    underWay += 1;
  }
  return began < 0 ? undefined : { began, ended, underWay };
}
