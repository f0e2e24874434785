/**
 * Workers in a process of their own: `workers-process.mjs <how to connect, as JSON> <types>
 * <how many> <connections>`.
 * Tells when a handler begins, and when it is stopped, in milliseconds of this machine's clock.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager, TaskWorker } from '@taskmanager/client';

const [target, types, count, connections] = process.argv.slice(2);
const now = () => performance.timeOrigin + performance.now();
const say = (said) => process.connected && process.send(said);
const tell = (happened, { id }) => say({ happened, taskId: id, at: now() });

const handlers = {
  /** Works till its signal fires. */
  async signalled(task) {
    const { signal } = task;
    const fired = once(signal, 'abort');
    tell('began', task);
    if (!signal.aborted) await fired;
    tell('stopped', task);
  },
  /** Works in steps of a millisecond. */
  async stepping(task) {
    tell('began', task);
    try {
      for (;;) {
        await delay(1);
        await task.pausePoint();
      }
    } finally {
      tell('stopped', task);
    }
  },
  short: (task) => tell('began', task),
};

const connect = () => TaskManager.connect({ ...JSON.parse(target), appName: 'bench' });
const clients = await Promise.all(Array.from({ length: Number(connections) }, connect));
const workers = Array.from({ length: Number(count) }, (_, index) => {
  const worker = new TaskWorker(clients[index % clients.length]);
  for (const type of types.split(',')) worker.handle(type, handlers[type]);
  return worker;
});
for (const worker of workers) worker.start();
// Ctrl-C is for the process that started this one, which ends it.
process.on('SIGINT', () => {});
say({ happened: 'ready' });
await once(process, 'disconnect');
await Promise.all(workers.map((worker) => worker.stop({ now: true })));
await Promise.all(clients.map((client) => client.close()));
process.exit();
