import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaskManager } from '@taskmanager/client';
import { SqliteEventLog } from '../src/event-store/sqlite/index.js';
import { fill } from './log-copy-fixture.js';
import {
  countIn,
  eventsIn,
  killCopies,
  runCopyProgram,
  startCopy,
  untilMore,
} from './log-copy-process.js';
import { startService } from './service.js';

const folder = mkdtempSync(join(tmpdir(), 'taskmanager-log-copy-'));
const source = join(folder, 'source');
const at = (name: string) => join(folder, name);
const fromTo = (from: string, to: string) => ['--from', `sqlite:${from}`, '--to', `sqlite:${to}`];

afterAll(() => {
  killCopies();
  rmSync(folder, { recursive: true, force: true });
});

describe('The program log:copy', () => {
  beforeAll(async () => {
    const service = await startService({ DATA_DIR: source });
    await fill(service.log, 60, 40);
    await service.close();
  });

  it('copies into a folder that is not there yet, and says what it found', async () => {
    const { code, output, errors } = await runCopyProgram(fromTo(source, at('a')));
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toContain('Copied 2,400 events');
    expect(output).toContain('Both logs are equal but for positions.');
    expect(await eventsIn(at('a'))).toEqual(await eventsIn(source));
    const again = await runCopyProgram(['--verify-only', ...fromTo(source, at('a'))]);
    expect(again.code).toBe(0);
  });

  it('is killed again and again, and the same command brings it to its end', async () => {
    const whole = await eventsIn(source);
    const args = fromTo(source, at('b'));
    let there = 0;
    for (let round = 0; round < 4; round++) {
      const copying = startCopy([...args, '--in-flight', '2']);
      await untilMore(at('b'), there, copying);
      copying.child.kill('SIGKILL');
      await copying.ended;
      const events = await eventsIn(at('b'));
      expect(events.length).toBeGreaterThanOrEqual(there);
      expect(events).toEqual(whole.slice(0, events.length));
      there = events.length;
      if (round === 0) expect(there).toBeLessThan(whole.length);
    }
    const { code, output } = await runCopyProgram(args);
    expect(code).toBe(0);
    expect(output).toContain(`The target holds the first ${there.toLocaleString('en-US')} events`);
    expect(await eventsIn(at('b'))).toEqual(whole);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends cleanly on %s, and goes on from there', async (signal, expected) => {
    const target = at(signal);
    const copying = startCopy([...fromTo(source, target), '--in-flight', '1']);
    await untilMore(target, 0, copying);
    copying.child.kill(signal);
    const { code, errors } = await copying.ended;
    expect({ code, errors }).toEqual({
      code: expected,
      errors: 'Stopped. The same command goes on from here.\n',
    });
    expect(existsSync(join(target, 'log.db-wal'))).toBe(false);
    const there = countIn(target);
    expect(there).toBeGreaterThan(0);
    expect(there).toBeLessThan(2_400);
    expect((await runCopyProgram(fromTo(source, target))).code).toBe(0);
    expect(await eventsIn(target)).toEqual(await eventsIn(source));
  });

  it('says in one line what cannot be done', async () => {
    expect(await runCopyProgram(fromTo(at('nowhere'), at('c')))).toEqual({
      code: 1,
      output: '',
      errors: `The event log is unavailable: there is none at ${join(at('nowhere'), 'log.db')}\n`,
    });
    expect((await runCopyProgram(['--verify-only', ...fromTo(source, at('c'))])).code).toBe(1);
    expect(existsSync(at('c'))).toBe(false);
    expect((await runCopyProgram(['--from', `sqlite:${source}`])).code).toBe(2);
    const noCluster = await runCopyProgram(
      ['--from', `sqlite:${source}`, '--to', 'eventstoredb:'],
      {
        EVENTSTOREDB_URL: '',
      },
    );
    expect(noCluster.code).toBe(1);
    expect(noCluster.errors).toMatch(/^EVENTSTOREDB_URL is missing; .*\n$/);
  });

  it('refuses a log with a history of its own', async () => {
    const other = await startService({ DATA_DIR: at('d') });
    await fill(other.log, 1, 1);
    await other.close();
    const refused = await runCopyProgram(fromTo(source, at('d')));
    expect(refused.code).toBe(1);
    expect(refused.errors).toMatch(/^The target holds other events than the source: .*\n$/);
    expect(countIn(at('d'))).toBe(1);
  });

  it('ends with 3 when the source was written to meanwhile', async () => {
    const copying = startCopy([...fromTo(source, at('e')), '--in-flight', '1']);
    await untilMore(at('e'), 0, copying);
    const log = SqliteEventLog.open({ file: join(source, 'log.db') });
    await fill(log, 1, 1);
    await log.close();
    expect((await copying.ended).code).toBe(3);
    const { code, output } = await runCopyProgram(fromTo(source, at('e')));
    expect(code).toBe(0);
    expect(output).toContain('Copied 1 events');
    expect(await eventsIn(at('e'))).toEqual(await eventsIn(source));
  });
});

describe('A service on a copied log', () => {
  async function serving<T>(name: string, work: (client: TaskManager) => Promise<T>): Promise<T> {
    const service = await startService({ DATA_DIR: at(name) });
    const { port } = service;
    const client = await TaskManager.connect({ transport: 'tcp', port, appName: 'app' });
    try {
      return await work(client);
    } finally {
      await client.close();
      await service.close();
    }
  }

  it('has every task, answers a repeated command as the first time, and goes on', async () => {
    const pausing = { commandId: randomUUID() };
    const before = await serving('old', async (client) => {
      const done = await client.createTask('done', 'publish', 'app', { chunks: 1 });
      await client.startTask(done);
      await client.completeTask(done, { result: 'größer' });
      const open = await client.createTask('open', 'publish');
      const paused = await client.pauseTask(open, pausing);
      return { done, open, paused, tasks: await client.listTasks() };
    });
    expect((await runCopyProgram(fromTo(at('old'), at('new')))).code).toBe(0);
    // Views of the other log, as a replica would still have them.
    copyFileSync(join(at('old'), 'views.db'), join(at('new'), 'views.db'));

    await serving('new', async (client) => {
      expect(await client.listTasks()).toEqual(before.tasks);
      const { events } = await client.getTaskHistory(before.done);
      const types = ['TaskCreated', 'TaskStarted', 'TaskCompleted'];
      expect(events.map(({ type }) => type)).toEqual(types);
      const { taskId, status, revision, events: paused } = before.paused;
      const repeated = await client.pauseTask(before.open, pausing);
      const same = { taskId, status, revision, events: paused };
      expect(repeated).toMatchObject({ ...same, repeated: true });
      const resumed = await client.resumeTask(before.open);
      expect(resumed).toMatchObject({ revision: 2, status: 'pending' });
    });
    const after = await runCopyProgram(['--verify-only', ...fromTo(at('old'), at('new'))]);
    expect(after.code).toBe(1);
    expect(after.output).toContain('the source ends, and TaskResumed');
  });
});
