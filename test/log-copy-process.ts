/** `log:copy` as a process of its own, as `npm run log:copy` runs it; `npm test` has built it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from '@taskmanager/sqlite-driver';
import { SqliteEventLog } from '../src/event-store/sqlite/index.js';
import { eventsOf, withoutPositions } from './log-copy-fixture.js';

const SCRIPT = fileURLToPath(new URL('../scripts/log-copy.mjs', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface Copying {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  isOver(): boolean;
}

const running = new Set<ChildProcess>();

/** @param variables beside those of this process */
export function startCopy(args: readonly string[], variables: NodeJS.ProcessEnv = {}): Copying {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  });
  running.add(child);
  const texts = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.errors += text));
  const ended = once(child, 'close').then(() => {
    running.delete(child);
    return { code: child.exitCode, ...texts };
  });
  return { child, ended, isOver: () => !running.has(child) };
}

export const runCopyProgram = (args: readonly string[], variables?: NodeJS.ProcessEnv) =>
  startCopy(args, variables).ended;

export function killCopies(): void {
  for (const child of running) child.kill('SIGKILL');
}

export async function eventsIn(dataDir: string) {
  const log = SqliteEventLog.open({ file: join(dataDir, 'log.db') });
  const events = withoutPositions(await eventsOf(log));
  await log.close();
  return events;
}

/** Looks at the file from outside; 0 while there is no log in it. */
export function countIn(dataDir: string): number {
  const file = join(dataDir, 'log.db');
  if (!existsSync(file)) return 0;
  const db = new Database(file, { readonly: true });
  try {
    return (db.prepare('SELECT count(*) AS events FROM event').get() as { events: number }).events;
  } catch {
    return 0;
  } finally {
    db.close();
  }
}

/** Waits until the copy at work has written more than `before` events, or has ended. */
export async function untilMore(dataDir: string, before: number, copying: Copying): Promise<void> {
  while (countIn(dataDir) <= before && !copying.isOver()) await nextTurn();
}
