/** `npm run example:publish`: a publishing run from the first chunk to the approval, against a running service. */
import { TaskManager, TaskManagerError } from '@taskmanager/client';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generatePackages, KNOWN, PACKAGES, servePackages } from './package-server.mjs';
import { showProgress } from './progress-bar.mjs';
import { publishPackages } from './publish-packages.mjs';

const HELP = `Publishes three packages as one task and shows what the task service remembers of it.

  npm run example:publish -- [options]

  --transport tcp|nats    how to reach the service (tcp)
  --host, --port          of the service over TCP (127.0.0.1, 4010)
  --servers               of the NATS broker (nats://127.0.0.1:4222)
  --token                 when the service has a token file
  --break-chunk p:n       chunk n of package p arrives damaged, e.g. date-words:3
  --help`;

const { values } = parseArgs({
  options: {
    transport: { type: 'string', default: 'tcp' },
    host: { type: 'string' },
    port: { type: 'string' },
    servers: { type: 'string' },
    token: { type: 'string' },
    'break-chunk': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

/** @param {string} actor */
function connect(actor) {
  const { transport, host, port, servers, token } = values;
  if (transport === 'nats') return TaskManager.connect({ transport, servers, token, actor });
  if (transport !== 'tcp') throw new Error(`--transport is tcp or nats, not ${transport}`);
  return TaskManager.connect({
    transport,
    host,
    port: port ? Number(port) : undefined,
    token,
    actor,
  });
}

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** @param {TaskManager} client @param {TaskManager} approver @param {string} folder */
async function run(client, approver, folder) {
  const served = await mkdtemp(join(folder, 'served-'));
  const published = await mkdtemp(join(folder, 'published-'));
  await generatePackages(served);
  const server = await servePackages(served, { breakChunk: values['break-chunk'] });
  say(`Publishing ${PACKAGES.map(({ name }) => name).join(', ')} from ${server.url}`);
  try {
    const outcome = await publishPackages(client, {
      packages: PACKAGES,
      known: KNOWN,
      source: server.url,
      folder: published,
      onProgress: showProgress,
      onWaiting: (taskId) => {
        say('Waiting for approval … the release manager approves.');
        approver.approveTask(taskId, { comment: 'Ship it' }).catch((error) => say(error.message));
      },
    });
    if (process.stdout.isTTY && outcome.error) say('');
    say(`Task ${outcome.taskId} is ${outcome.status}${outcome.error ? `: ${outcome.error}` : ''}`);
    await showHistory(client, outcome.taskId);
  } finally {
    await server.close();
  }
}

/** @param {TaskManager} client @param {string} taskId */
async function showHistory(client, taskId) {
  say('What the service remembers of it:');
  /** @type {{ from: number, to: number, type: string, by: string }[]} */
  const lines = [];
  for await (const { revision, type, actor } of client.taskHistory(taskId)) {
    const last = lines.at(-1);
    if (last?.type === type) last.to = revision;
    else lines.push({ from: revision, to: revision, type, by: actor.id });
  }
  for (const { from, to, type, by } of lines) {
    const revisions = from === to ? String(from) : `${from}–${to}`;
    say(`  ${revisions.padStart(6)}  ${type.padEnd(22)} by ${by}`);
  }
}

if (values.help) {
  say(HELP);
} else {
  /** @type {TaskManager[]} */
  const clients = [];
  const folder = await mkdtemp(join(tmpdir(), 'publish-packages-'));
  try {
    const client = await connect('package-manager');
    clients.push(client);
    const approver = await connect('release-manager');
    clients.push(approver);
    await run(client, approver, folder);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    process.stderr.write(`${message}\n`);
    if (error instanceof TaskManagerError && error.code === 'UNAVAILABLE') {
      process.stderr.write(
        'Start one with `npm start`, or see it all at once with `npm run demo`.\n',
      );
    }
    process.exitCode = 1;
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await rm(folder, { recursive: true, force: true });
  }
}
