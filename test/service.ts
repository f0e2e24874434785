import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ServiceLogger, Settings } from '../src/config/index.js';
import { EventLog } from '../src/event-store/index.js';
import { serve } from '../src/transport/index.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the settings say of the event log of a service with this folder: nothing, it is a file there. */
let eventLogOf: (dataDir: string) => Variables = () => ({});

/** From now on the services of this test file keep their logs elsewhere; see `on-eventstoredb`. */
export function keepEventLogs(settingsOf: (dataDir: string) => Variables): void {
  eventLogOf = settingsOf;
}

/** The whole application inside the test's own process, on a free port and a folder of its own. */
export interface Service {
  readonly port: number;
  readonly dataDir: string;
  readonly app: INestApplication;
  readonly log: EventLog;
  /** Resolves when NATS serves; at once when it is off. */
  readonly nats: Promise<void>;
  /** Stops it as SIGTERM would; the folder goes unless it was the caller's. */
  close(): Promise<void>;
}

/** @param variables settings as in the environment, e.g. `{ NATS_URL, AUTH_FILE, DATA_DIR }` */
export async function startService(variables: Variables = {}): Promise<Service> {
  const { AppModule } = await import('../src/app.module.js');
  const { dataDir, forget } = folderFor(variables);
  const settings = new Settings({
    TCP_PORT: '0',
    LOG_LEVEL: 'error',
    LEASE_GRACE_MS: '0',
    BACKUP_DIR: join(dataDir, 'backups'),
    ...eventLogOf(dataDir),
    ...variables,
    DATA_DIR: dataDir,
  });
  const app = await NestFactory.create(AppModule.with(settings), {
    logger: new ServiceLogger(settings.logLevel),
    abortOnError: false,
  });
  const { tcp, nats } = await serve(app);
  let closing: Promise<void> | undefined;
  const close = async () => {
    await app.close();
    forget();
  };
  return {
    port: tcp.port,
    dataDir,
    app,
    log: app.get(EventLog),
    nats,
    close: () => (closing ??= close()),
  };
}

/** The built service as a process of its own: `npm test` builds it first. */
export interface ServiceProcess {
  readonly port: number;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** All it has written so far, to both streams. */
  output(): string;
  /** Sends the signal and waits for the end; answers the exit code, or the signal that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
  /** Removes its folder, unless it was the caller's. */
  forget(): void;
}

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export async function spawnService(variables: Variables = {}): Promise<ServiceProcess> {
  const { dataDir, forget } = folderFor(variables);
  const run = runMain({
    TCP_PORT: '0',
    LEASE_GRACE_MS: '0',
    BACKUP_DIR: join(dataDir, 'backups'),
    ...eventLogOf(dataDir),
    ...variables,
    DATA_DIR: dataDir,
  });
  const port = await run.until(/TCP\s+\S*:(\d+)/);
  return {
    port: Number(port),
    dataDir,
    child: run.child,
    output: run.output,
    stop: async (signal = 'SIGTERM') => {
      run.child.kill(signal);
      return run.exit;
    },
    forget,
  };
}

/** Runs `node dist/main.js` and nothing more: for starts that fail, and `--help`. */
export function runMain(
  variables: Variables,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
) {
  const child = spawn(process.execPath, ['--enable-source-maps', ...nodeArgs, MAIN, ...args], {
    // Workers beside every service would cost more than most tests: those about them turn them on.
    env: { PATH: process.env['PATH'], WORKERS: 'off', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      written += text;
      for (const listener of listeners) listener();
    });
  }
  const exit = once(child, 'close').then(
    ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
  );
  const until = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(written);
        if (found) resolve(found[1] ?? found[0]);
      };
      listeners.add(look);
      look();
      void exit.then((code) =>
        reject(new Error(`It ended with ${code} before ${pattern}:\n${written}`)),
      );
    });
  return { child, exit, until, output: () => written };
}

function folderFor(variables: Variables): { dataDir: string; forget: () => void } {
  const given = variables['DATA_DIR'];
  const dataDir = given ?? mkdtempSync(join(tmpdir(), 'taskmanager-'));
  const forget = () => {
    if (given === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  return { dataDir, forget };
}
