import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { ServiceLogger, Settings, settingsHelp } from './config/index.js';
import { serve, type Serving } from './transport/index.js';
import { WorkerProcess } from './workers/worker-process.js';

/** The service: one process, stopped by SIGTERM or SIGINT, which drain it and exit with 0. */
async function main(): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(`${settingsHelp()}\n`);
    return;
  }
  const unknown = process.argv.slice(2);
  if (unknown.length > 0) {
    throw new Error(`${unknown.join(' ')}: settings come from the environment; --help lists them`);
  }
  const settings = new Settings(process.env);
  const app = await NestFactory.create(AppModule.with(settings), {
    logger: new ServiceLogger(settings.logLevel),
    abortOnError: false,
  });
  // SIGHUP makes a token file be read again; where there is none it is a terminal that closes.
  const signals = settings.authFile ? ['SIGTERM', 'SIGINT'] : ['SIGTERM', 'SIGINT', 'SIGHUP'];
  app.enableShutdownHooks(signals, { useProcessExit: true });
  const serving = await serve(app);
  const work = app.get(WorkerProcess).start(serving.tcp.port);
  process.stdout.write(startReport(settings, serving, work));
}

/** @param work what is to be said of the workers */
function startReport(settings: Settings, { tcp }: Serving, work: string): string {
  const { nats, authFile, dataDir, endpointsFile, retention } = settings;
  const host = tcp.host.includes(':') ? `[${tcp.host}]` : tcp.host;
  return [
    `TaskManager serves (process ${process.pid})`,
    `  TCP   ${host}:${tcp.port}${settings.tcp.tls ? ' with TLS' : ''}`,
    nats
      ? `  NATS  ${nats.servers.join(', ')}, queue group ${nats.queue}`
      : '  NATS  off: set NATS_URL to turn it on',
    `  who   ${authFile ? `tokens in ${authFile}` : 'whoever connects from this machine is believed: set AUTH_FILE'}`,
    `  data  ${dataDir}`,
    `  work  ${work}`,
    ...(endpointsFile === undefined ? [] : [`  hooks ${endpointsFile}`]),
    ...(retention
      ? [`  old   tasks are deleted by ${retention.rules.length} rule(s) of RETENTION_FILE`]
      : []),
    'Try next: npm run demo, npm run example:publish, or node dist/main.js --help for the settings.',
    '',
  ].join('\n');
}

/** What the user can mend is one line; a fault of the program comes with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return `${error.message}: another program listens there; stop it or set TCP_PORT`;
  }
  const fault = error instanceof TypeError || error instanceof ReferenceError;
  return fault ? (error.stack ?? error.message) : error.message;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`TaskManager cannot start. ${explain(error)}\n`);
  process.exit(1);
}
