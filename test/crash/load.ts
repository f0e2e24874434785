import { TaskManager } from '@taskmanager/client';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceProcess } from '../service.js';
import type { Journal, SentFilter } from './journal.js';
import { countUp, makeLong, newTask, Program, type TaskPool } from './program.js';
import type { Random } from './random.js';
import { Sender } from './sender.js';

/** Half of them coalesce what is sent in one turn, the others send each command by itself. */
const CLIENTS = 4;
const PROGRAMS = 32;
const coalesces = (client: number): boolean => client % 2 === 0;
const LATEST_KILL_MS = 30;

export interface Kill {
  /** Commands sent and not answered when the signal was sent. */
  readonly inFlight: number;
  /** Those of them whose answer was not under way either. */
  readonly unanswered: number;
  readonly acknowledged: number;
}

/** What can be chosen about a load. */
export interface LoadOptions {
  /** Of each client; every one of them has at least one command in flight. */
  readonly programs?: number;
  /** Time limit of a command, re-sends included, milliseconds. */
  readonly timeoutMs?: number;
}

/** Programs at work. */
export interface Load {
  readonly clients: readonly TaskManager[];
  /** No program begins another step. */
  end(): void;
  /** Resolves when all have come to their end: each still waits for what it has sent. */
  readonly over: Promise<unknown>;
}

/** Loads the service from the moment on at which it resolves. */
export async function startLoad(
  port: number,
  journal: Journal,
  pool: TaskPool,
  random: Random,
  { programs = PROGRAMS, timeoutMs = 60_000 }: LoadOptions = {},
): Promise<Load> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) =>
      TaskManager.connect({
        transport: 'tcp',
        port,
        actor: `actor-${n}`,
        coalesce: coalesces(n),
        maxInFlight: 256,
        timeoutMs,
      }),
    ),
  );
  const senders = clients.map((client, n) => new Sender(`actor-${n}`, client, journal));
  const counting = senders.filter((_, n) => coalesces(n));
  await Promise.all(
    counting.map((sender, n) => makeLong((pool.counting[n] ??= newTask()), sender)),
  );
  let isOver = false;
  const running = [
    ...senders.flatMap((sender) =>
      Array.from({ length: programs }, () =>
        new Program(random.fork(), sender, pool).run(() => isOver),
      ),
    ),
    ...counting.map((sender, n) => countUp(pool.counting[n]!, sender, () => isOver)),
  ];
  return { clients, end: () => (isOver = true), over: Promise.all(running) };
}

/**
 * Loads the service from its first moment on and kills it in the middle of that: after so many
 * acknowledged commands and a few milliseconds of chance.
 */
export async function loadAndKill(
  service: ServiceProcess,
  journal: Journal,
  pool: TaskPool,
  random: Random,
  acknowledgedBefore: number,
): Promise<Kill> {
  const load = await startLoad(service.port, journal, pool, random);
  const already = journal.acknowledged;
  await Promise.race([
    journal.untilAcknowledged(already + acknowledgedBefore),
    once(service.child, 'exit'),
  ]);
  await delay(random.int(0, LATEST_KILL_MS));

  const inFlight = new Set(journal.inFlight);
  const killed = service.stop('SIGKILL');
  load.end();
  const how = await killed;
  await Promise.all(load.clients.map((client) => client.close({ waitMs: 0 })));
  await load.over;
  if (how !== 'SIGKILL') throw new Error(`It ended with ${how} by itself:\n${service.output()}`);
  const unanswered = [...inFlight].filter(isOpen).length;
  return {
    inFlight: inFlight.size,
    unanswered,
    acknowledged: journal.acknowledged - already,
  };
}

/** Nobody knows whether it took effect. */
export const isOpen = ({ answer, tasks, refusedWith }: SentFilter): boolean =>
  !answer && !tasks && refusedWith === undefined;
