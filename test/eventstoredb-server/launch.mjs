/**
 * Runs the server as a process of its own: for what only a process can suffer (SIGSTOP, SIGKILL), and
 * for measurements that must not share an event loop with it. Plain JavaScript, so that scripts and
 * benchmarks can import it too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withProgram } from './compile.mjs';

/** See launch.d.mts. */
export async function spawnEventStoreDbServer(options = {}) {
  const server = new SpawnedServer(options);
  await server.start();
  return server;
}

class SpawnedServer {
  #options;
  #requests = new Map();
  #count = 0;
  child;
  port;

  constructor(options) {
    this.#options = options;
  }

  get connectionString() {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  async start() {
    await withProgram(async (program) => {
      // Without `exec` arguments: those of a test runner are nothing for the child.
      const args = [
        program,
        JSON.stringify({ ...this.#options, port: this.port ?? this.#options.port }),
      ];
      this.child = spawn(process.execPath, args, {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      this.port = await listening(this.child);
    });
    this.child.on('message', ({ number, answer }) => {
      this.#requests.get(number)?.resolve(answer);
      this.#requests.delete(number);
    });
    this.child.once('exit', () => {
      for (const { reject } of this.#requests.values()) reject(new Error('The server has ended'));
      this.#requests.clear();
    });
  }

  freeze() {
    this.child.kill('SIGSTOP');
  }

  thaw() {
    this.child.kill('SIGCONT');
  }

  async kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    // SIGKILL ends a frozen process too.
    this.child.kill('SIGKILL');
    await ended;
  }

  async restart() {
    await this.kill();
    await this.start();
  }

  async shutdown() {
    const ended = once(this.child, 'exit');
    await this.#ask({ ask: 'shutdown' });
    await ended;
  }

  close() {
    return this.kill();
  }

  setFault(faults) {
    const off = Object.keys(faults).filter((name) => faults[name] === undefined);
    return this.#ask({ ask: 'set-faults', faults, off });
  }

  clearFaults() {
    return this.#ask({ ask: 'clear-faults' });
  }

  endSubscriptions() {
    return this.#ask({ ask: 'end-subscriptions' });
  }

  failSubscriptions(fault) {
    return this.#ask({ ask: 'fail-subscriptions', fault });
  }

  failSubscriptionsAsTooSlow() {
    return this.#ask({ ask: 'fail-subscriptions-as-too-slow' });
  }

  failReads(fault) {
    return this.#ask({ ask: 'fail-reads', fault });
  }

  failBatchAppends(fault) {
    return this.#ask({ ask: 'fail-batch-appends', fault });
  }

  calls() {
    return this.#ask({ ask: 'calls' });
  }

  #ask(request) {
    const number = (this.#count += 1);
    return new Promise((resolve, reject) => {
      this.#requests.set(number, { resolve, reject });
      this.child.send({ ...request, number }, (error) => error && reject(error));
    });
  }
}

/** The port on which the child listens; rejects if it ends instead. */
function listening(child) {
  return new Promise((resolve, reject) => {
    child.once('message', ({ listening: port, failed }) =>
      failed === undefined ? resolve(port) : reject(new Error(failed)),
    );
    child.once('exit', () => reject(new Error('The server ended before it listened')));
  });
}
