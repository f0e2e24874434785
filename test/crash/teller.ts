import { TaskManager } from '@taskmanager/client';

const CALL_MS = 60_000;

/** A client of a service that is killed and started again under it: each call is sent until it is answered. */
export function teller(port: number): Promise<TaskManager> {
  return TaskManager.connect({
    transport: 'tcp',
    port,
    lazy: true,
    timeoutMs: CALL_MS,
    actor: 'teller',
  });
}
