import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { KEYS, Terminal } from '../packages/cli/test/terminal.js';
import { type Broker, freePort, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

/** The built command line against the whole service, by hand in a terminal and in scripts. */

const LAUNCHER = fileURLToPath(new URL('../packages/cli/bin/taskmanager.mjs', import.meta.url));

let broker: Broker;
let service: Service;
let client: TaskManager;
let terminal: Terminal | undefined;
beforeAll(async () => {
  broker = await startBroker();
  service = await startService({ NATS_URL: broker.url });
  await service.nats;
  client = await TaskManager.connect({ transport: 'tcp', port: service.port, actor: 'ann' });
});
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});
afterAll(async () => {
  await client.close();
  await service.close();
  await broker.stop();
});

const place = () => ({ TASKMANAGER_SERVER: `tcp://127.0.0.1:${service.port}` });

function open(...args: readonly string[]): Terminal {
  terminal = new Terminal(args, place());
  return terminal;
}

function start(args: readonly string[], variables: Readonly<Record<string, string>> = place()) {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env: { PATH: process.env['PATH'], ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, ...written }));
  return { child, written, ended };
}
const taskmanager = (...args: readonly string[]) => start(args).ended;

async function running(name: string): Promise<string> {
  const id = await client.createTask(name, 'publish', 'shop');
  await client.startTask(id);
  return id;
}

describe('The command line by hand', () => {
  it('helps', async () => {
    const screen = open('--help');
    expect(await screen.exit).toBe(0);
    for (const said of ['Usage: taskmanager', 'audit', 'projection', 'Exit codes: 0 done'])
      expect(screen.text()).toContain(said);
  });

  it('watches tasks live, as they start, get on and end', async () => {
    const first = await running('Publish left-pad');
    const screen = open('task', 'watch', '--app', 'shop');
    await screen.until(/Publish left-pad +running +░{10} +0 %/);
    await client.updateTaskProgress(first, 7, 10, { message: 'uploading' });
    await screen.until(/Publish left-pad +running +█{7}░{3} +70 % .*uploading/);
    await running('Publish right-pad');
    await screen.until(/2 tasks[^]*Publish right-pad +running/);
    await client.completeTask(first);
    await screen.until(/1 task,[^]*Publish left-pad +completed +█{10} +100 %/);
    screen.type(KEYS.ctrlC);
    expect(await screen.exit).toBe(130);
    // Drawn in its place: one table, not one for each change.
    expect(screen.text().match(/NAME +STATUS/g)).toHaveLength(1);
  });

  it('asks before it cancels a task, and takes no for an answer', async () => {
    const id = await running('Publish no-pad');
    const asked = open('task', 'cancel', id);
    await asked.until(/Cancel “Publish no-pad” \(publish of shop, running, 0 %\)\?/);
    asked.type('n');
    expect(await asked.exit).toBe(1);
    expect(await client.getTask(id)).toMatchObject({ status: 'running' });
    await asked.close();
    const again = open('task', 'cancel', id);
    await again.until(/Cancel “/);
    again.type('y');
    expect(await again.exit).toBe(0);
    expect(await client.getTask(id)).toMatchObject({ status: 'cancelled' });
  });

  it('says in one line that nobody answers, and what to do', async () => {
    const server = `tcp://127.0.0.1:${await freePort()}`;
    const screen = open('task', 'list', '--server', server, '--timeout', '1');
    expect(await screen.exit).toBe(4);
    expect(screen.text()).toMatch(/^taskmanager: No TaskManager service answers[^]*npm start/);
    expect(screen.text()).not.toContain('    at ');
  });
});

describe('The command line in scripts', () => {
  it('waits for a task with watch, a line for each change, and tells by its exit code', async () => {
    const good = await running('Publish good-pad');
    const bad = await running('Publish bad-pad');
    const watches = [start(['task', 'watch', good]), start(['task', 'watch', bad, '--json'])];
    // Each says something only when it listens: progress is reported until then.
    for (let n = 1; n <= 1_000; n++) {
      await Promise.all([good, bad].map((id) => client.updateTaskProgress(id, n, 1_000)));
      if (watches.every(({ written }) => written.out !== '')) break;
    }
    await client.completeTask(good);
    await client.failTask(bad, 'no disk');
    const [first, second] = await Promise.all(watches.map(({ ended }) => ended));
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first!.out).toMatch(new RegExp(`${good} {2}Publish good-pad {2}completed 100 %\\n$`));
    expect(second).toMatchObject({ code: 1, err: '' });
    expect(JSON.parse(second!.out.trim().split('\n').at(-1)!)).toMatchObject({
      taskId: bad,
      event: 'failed',
      error: 'no disk',
    });
  });

  it('reads over NATS what was written over TCP', async () => {
    const id = await running('Publish nats-pad');
    const { code, out } = await start(['task', 'get', id, '--json'], {
      TASKMANAGER_SERVER: broker.url,
    }).ended;
    expect({ code, task: JSON.parse(out) as unknown }).toMatchObject({
      code: 0,
      task: { id, name: 'Publish nats-pad', status: 'running' },
    });
  });

  it('ends without a word when its reader goes away', async () => {
    const id = await running('Publish long-pad');
    for (let n = 0; n < 30; n++) await client.updateTaskData(id, { text: 'x'.repeat(10_000), n });
    const { child, ended } = start(['task', 'history', id, '--json']);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });

  it('steers as the user that it names, and says who did what', async () => {
    const id = await running('Publish steered-pad');
    const paused = await taskmanager(
      'task',
      'pause',
      id,
      '-r',
      'disk full',
      '--actor',
      'night-shift',
    );
    expect(paused).toMatchObject({ code: 0, out: expect.stringContaining('It is paused now') });
    const { out } = await taskmanager('task', 'history', id);
    expect(out.trim().split('\n').at(-1)).toContain('night-shift');
    expect((await taskmanager('task', 'resume', id)).code).toBe(0);
    const refused = await taskmanager('task', 'retry', id);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/^taskmanager: .*\n$/);
  });

  it('lists processors and parked events', async () => {
    const { out } = await taskmanager('processor', 'list', '--json');
    const { processors } = JSON.parse(out) as { processors: { name: string }[] };
    expect(processors.map(({ name }) => name)).toContain('tasks');
    expect(await taskmanager('parked', 'list')).toMatchObject({
      code: 0,
      err: 'Nothing is parked.\n',
    });
  });
});
