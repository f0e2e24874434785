import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { clientCommandId } from '../src/context/index.js';
import { type FakeService, startFakes } from './transport-fakes.js';
import { admin, type BatchResult, command, frame, query, RawTcp } from './transport-raw.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const task = { id: randomUUID() };

describe('The TCP transport', () => {
  let service: FakeService;
  let client: RawTcp;

  beforeAll(async () => {
    service = await startFakes();
    client = await RawTcp.connect(service.port);
  });

  afterAll(async () => {
    await client.end();
    await service.close();
  });

  describe('turns a request into a message and its context', () => {
    it('derives the effective command id from the actor and his own id, and keeps that apart', async () => {
      const commandId = randomUUID();
      const meta = { commandId, actor: { id: 'ann', roles: ['client'] }, retry: true };
      const { context } = await client.ok<{ context: unknown }>(command('update_task_progress'), {
        ...task,
        progress: 3,
        meta,
      });
      const effective = clientCommandId('ann', commandId);
      expect(context).toMatchObject({
        actor: { id: 'ann', roles: ['client'], verified: false },
        commandId: effective,
        clientCommandId: commandId,
        correlationId: effective,
        causationId: effective,
        transport: 'tcp',
        resent: true,
      });
    });

    it('fills in what is left out', async () => {
      const { context } = await client.ok<{ context: { commandId: string } }>(
        command('update_task_progress'),
        { ...task, progress: 3 },
      );
      expect(context.commandId).toMatch(UUID);
      expect(context).toMatchObject({
        actor: { id: 'anonymous', roles: [], verified: false },
        resent: false,
      });
      expect(context).not.toHaveProperty('clientCommandId');
    });

    it('passes correlation, causation and the position on', async () => {
      const after = '0a1b2c3d:00000000000000000042';
      const meta = { correlationId: 'trace-1', causationId: 'cause-1', after };
      const own = await client.ok<{ context: unknown }>(command('update_task_progress'), {
        ...task,
        progress: 1,
        meta,
      });
      expect(own.context).toMatchObject(meta);
      const read = await client.ok<{ context: unknown }>(query('get_task'), { ...task, meta });
      expect(read.context).toMatchObject({ correlationId: 'trace-1', after });
    });

    it('keeps text of every language whole, however it is cut into packets', async () => {
      const name = 'größe 日本語 🚀'.repeat(200);
      const bytes = Buffer.from(
        frame({
          id: 'cut',
          pattern: command('create_task'),
          data: { name: name.slice(0, 400), taskType: 'a', appName: 'b' },
        }),
      );
      for (let at = 0; at < bytes.length; at += 7) client.write(bytes.subarray(at, at + 7));
      const { response } = await client.replyTo('cut');
      expect(response).toMatchObject({ command: { name: name.slice(0, 400) } });
    });
  });

  describe('serves tasks.admin.* without a token file', () => {
    const meta = { actor: { id: 'ann' } };

    it('queries with the context of a query, commands with that of a command', async () => {
      expect(await client.ok(admin('list_processors'), { meta })).toMatchObject({
        context: { actor: { id: 'ann', verified: false } },
      });
      expect(await client.ok(admin('pause_processor'), { name: 'tasks', meta })).toMatchObject({
        name: 'tasks',
        context: { actor: { id: 'ann' }, commandId: expect.stringMatching(UUID), transport: 'tcp' },
      });
    });

    it.each([
      ['list_processors', { colour: 'red' }, 'colour'],
      ['pause_processor', {}, 'name'],
      ['pause_processor', { name: '' }, 'name'],
      ['pause_processor', { name: 'x'.repeat(201) }, 'name'],
      ['pause_processor', { name: 'tasks', reason: 7 }, 'reason'],
    ])('and checks the fields of %s %j', async (name, fields, field) => {
      const err = await client.refused(admin(name), fields);
      expect(err).toMatchObject({ code: 'VALIDATION_FAILED', details: { field } });
    });
  });

  describe('answers every error in one shape', () => {
    it.each([
      ['a refusal', 'refusal', 'INVALID_TRANSITION', { status: 'completed' }],
      ['a conflict', 'conflict', 'CONFLICT', undefined],
      ['a full disk', 'unavailable', 'UNAVAILABLE', undefined],
    ])('%s', async (_, reason, code, details) => {
      const err = await client.refused(command('pause_task'), {
        ...task,
        reason,
        meta: { correlationId: 'mine' },
      });
      expect(err).toEqual({
        code,
        message: expect.any(String),
        correlationId: 'mine',
        ...(details ? { details } : {}),
      });
    });

    it('a fault of the service is INTERNAL and says nothing of its inside', async () => {
      for (const reason of ['fault', 'unwritable']) {
        const err = await client.refused(command('pause_task'), { ...task, reason });
        expect(err).toMatchObject({ code: 'INTERNAL', correlationId: expect.any(String) });
        expect(JSON.stringify(err)).not.toMatch(/secret|BigInt|\.ts|\.js/);
      }
    });

    it('names every field that is wrong', async () => {
      const err = await client.refused(command('update_task_progress'), {
        id: 'x',
        progress: 101,
        colour: 'red',
      });
      expect(err.code).toBe('VALIDATION_FAILED');
      const fields = (err.details?.['problems'] as { field: string }[]).map(({ field }) => field);
      expect(fields.sort()).toEqual(['colour', 'id', 'progress']);
      expect(err.message).toContain('unknown field colour');
    });

    it('names the field that is too large', async () => {
      const err = await client.refused(command('update_task_data'), {
        ...task,
        data: 'x'.repeat(130 * 1024),
      });
      expect(err).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { field: 'data' } });
    });

    it.each([
      ['a list', []],
      ['text', 'hello'],
      ['a number', 7],
      ['true', true],
    ])('a payload that is %s', async (_, data) => {
      expect(await client.refused(query('get_task'), data)).toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    });

    it.each([
      { token: 7 },
      { commandId: 'no uuid' },
      { retry: 'yes' },
      { after: '12' },
      { actor: 'ann' },
      { actor: { id: '' } },
      { actor: { id: 'ann', roles: 'admin' } },
      { actor: { id: 'ann', verified: true } },
      { correlationId: '' },
      { correlationId: 'x'.repeat(257) },
      { colour: 'red' },
      'text',
      [],
    ])('meta %j', async (meta) => {
      expect(await client.refused(query('get_task'), { ...task, meta })).toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    });

    it.each(['tasks.command.nonsense', 'nonsense', '', '__proto__', 'constructor'])(
      'an unknown message %j',
      async (pattern) => {
        const err = await client.refused(pattern, { meta: { correlationId: 'mine' } });
        expect(err).toMatchObject({ code: 'VALIDATION_FAILED', correlationId: 'mine' });
      },
    );

    it('prototype keys are unknown fields and change nothing', async () => {
      const fields = `"id":"${task.id}","progress":1`;
      for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
        const text = `{"id":"${key}","pattern":"${command('update_task_progress')}","data":{${fields},"${key}":{"polluted":true}}}`;
        client.write(frame(text));
        expect((await client.replyTo(key)).err?.code).toBe('VALIDATION_FAILED');
      }
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });
  });

  describe('speaks Nest’s wire', () => {
    it('null, undefined and numeric ids', async () => {
      expect(
        await client.request(command('pause_task'), { ...task, reason: 'null' }),
      ).toMatchObject({
        response: null,
        isDisposed: true,
      });
      const nothing = await client.request(command('pause_task'), { ...task, reason: 'nothing' });
      expect(Object.keys(nothing).sort()).toEqual(['id', 'isDisposed']);
      client.write(frame({ id: 42, pattern: 'echo', data: 'hi' }));
      expect(await client.replyTo(42)).toEqual({ id: 42, response: 'hi', isDisposed: true });
    });

    it('a request without an id is done and not answered', async () => {
      const before = client.replies.length;
      const { arrived } = service.held;
      client.write(frame({ pattern: command('complete_task'), data: task }));
      await service.held.whenArrived(arrived + 1);
      service.held.release();
      await client.ok('echo', 1);
      expect(client.replies.length).toBe(before + 1);
    });
  });

  describe('takes batches', () => {
    it('and answers each command by itself, in order', async () => {
      const commandId = randomUUID();
      const { results } = await client.ok<{ results: BatchResult[] }>(command('batch'), {
        commands: [
          { command: 'update_task_progress', args: { ...task, progress: 1 }, meta: { commandId } },
          { command: 'update_task_progress', args: { id: 'x' } },
          { command: 'claim_tasks', args: { workerId: 'w', taskTypes: ['a'] } },
          { command: 'batch', args: { commands: [] } },
          { command: 'pause_task', args: { ...task, reason: 'refusal' } },
          { command: 'update_task_data', args: { ...task, data: 1 }, meta: { token: 'x' } },
          7,
          { command: 'update_task_data', args: { ...task, data: 1 } },
        ],
        meta: { actor: { id: 'ann' }, correlationId: 'all' },
      });
      expect(results.map((each) => each.error?.code ?? 'ok')).toEqual([
        'ok',
        'VALIDATION_FAILED',
        'VALIDATION_FAILED',
        'VALIDATION_FAILED',
        'INVALID_TRANSITION',
        'VALIDATION_FAILED',
        'VALIDATION_FAILED',
        'ok',
      ]);
      expect(results[0]?.ok?.context).toMatchObject({
        actor: { id: 'ann' },
        commandId: clientCommandId('ann', commandId),
        correlationId: 'all',
      });
      expect(results[4]?.error?.correlationId).toBe('all');
    });

    it('but no more than 1,000 commands, and only a list of them', async () => {
      const one = { command: 'update_task_progress', args: { ...task, progress: 1 } };
      expect(await client.ok(command('batch'), { commands: Array(1_000).fill(one) })).toBeDefined();
      const many = await client.refused(command('batch'), { commands: Array(1_001).fill(one) });
      expect(many).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { field: 'commands' } });
      for (const data of [{}, { commands: 7 }, { commands: [], more: 1 }]) {
        expect((await client.refused(command('batch'), data)).code).toBe('VALIDATION_FAILED');
      }
    });
  });
});
