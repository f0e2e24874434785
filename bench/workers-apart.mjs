/** Workers in a process of their own, and a client beside it: so that what a worker hears crosses processes. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { TaskManager } from '@taskmanager/client';

const EVENT_MS = 20_000;

/**
 * @param own see withEndings
 * @param target how to connect
 * @param types those of workers-process.mjs that each worker has handlers for
 * @param count of workers
 * @param connections that they share
 * @returns a client, what the workers tell, and what ends both, at the latest at the end
 */
export async function startWorkers(own, target, types, count, connections) {
  const args = [JSON.stringify(target), types.join(), count, connections].map(String);
  const child = fork(new URL('./workers-process.mjs', import.meta.url), args);
  const ended = once(child, 'exit');
  let client;
  const stop = async () => {
    if (child.connected) child.disconnect();
    await ended;
    await client?.close();
  };
  own(stop);
  const events = new Events(child);
  await events.of('ready', undefined);
  client = await TaskManager.connect({ ...target, appName: 'bench' });
  return { client, events, stop };
}

/** What a process of workers tells, kept until it is asked for. */
class Events {
  #told = new Map();
  #asked = new Map();

  constructor(child) {
    child.on('message', ({ happened, taskId, at }) => {
      const key = `${happened} ${taskId}`;
      const resolve = this.#asked.get(key);
      if (!resolve) return this.#told.set(key, at);
      this.#asked.delete(key);
      resolve(at);
    });
  }

  /** When it happened. @throws Error when it does not in time */
  of(happened, taskId) {
    const key = `${happened} ${taskId}`;
    if (this.#told.has(key)) {
      const at = this.#told.get(key);
      this.#told.delete(key);
      return at;
    }
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`Not told in time: ${key}`));
      const timer = setTimeout(late, EVENT_MS);
      this.#asked.set(key, (at) => {
        clearTimeout(timer);
        resolve(at);
      });
    });
  }
}
