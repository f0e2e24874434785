import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A real broker on a port of its own. */
export interface Broker {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface BrokerOptions {
  /** The same port again, for a broker that comes back. */
  readonly port?: number;
  /** Further arguments of nats-server, e.g. `['--user', 'a', '--pass', 'b']` or `['-c', file]`. */
  readonly args?: readonly string[];
}

/** Starts nats-server, from NATS_SERVER or the PATH; resolves when it listens. Never skips. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const port = options.port ?? (await freePort());
  const program = process.env['NATS_SERVER'] ?? 'nats-server';
  const args = ['-a', '127.0.0.1', '-p', String(port), ...(options.args ?? [])];
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` },
  });
  await ready(child, program);
  return { url: `nats://127.0.0.1:${port}`, port, stop: () => stop(child) };
}

/** Ports that no system gives out by itself: below Linux's and all others' ephemeral ones. */
const OWN_PORTS = { from: 10_000, to: 32_000 };
const PORTS_TRIED = 100;

/**
 * A port that nobody listened on a moment ago, and that stays free while who listens there is killed and
 * started again: one that the system gives out may meanwhile be the other end of any connection, even of
 * the one that a client tries to that very port, which is then connected with itself.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS_TRIED; tried++) {
    const port = randomInt(OWN_PORTS.from, OWN_PORTS.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`None of ${PORTS_TRIED} ports was free.`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

async function ready(child: ChildProcess, program: string): Promise<void> {
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`${program} does not run (install nats-server): ${error.message}`)),
    );
    child.once('exit', () => reject(new Error(`${program} ended at once:\n${said.join('\n')}`)));
    const lines = createInterface({ input: child.stderr! });
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('Server is ready')) resolve();
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
