/** This service, over TCP, with its log on the disk. Its history of every task stays. */
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager, TaskWorker } from '@taskmanager/client';
import { AT_ONCE, INPUT, PERCENT, resultOf } from './life.mjs';

const TYPE = 'lives';
const TASK = { runBy: 'worker', input: INPUT };

export const settings = `concurrency ${AT_ONCE}; progress: task.progress; keeps the whole history`;

const connect = ({ port }) => TaskManager.connect({ transport: 'tcp', port, appName: 'bench' });

export async function produce(server) {
  const client = await connect(server);
  return {
    create: () => client.createTask('life', TYPE, 'bench', undefined, TASK),
    close: () => client.close(),
  };
}

export async function work(server, completed) {
  const client = await connect(server);
  const worker = new TaskWorker(client);
  const handle = (task) => {
    task.progress(PERCENT);
    completed();
    return resultOf(task.id);
  };
  worker.handle(TYPE, handle, { concurrency: AT_ONCE });
  worker.start();
  return {
    /** The worker tells nobody that a completion was answered: the service does. */
    settled: async (total) => {
      while ((await client.taskStats({ taskTypes: [TYPE] })).byStatus.completed < total) {
        await delay(5);
      }
    },
    close: async () => {
      await worker.stop();
      await client.close();
    },
  };
}
