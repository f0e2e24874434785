import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuditEvent, AuditPage, LogStats } from '@taskmanager/protocol';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { randomUUID } from 'node:crypto';
import { contextFor } from '../../../test/given.js';
import { appendChained } from '../../commands/chained-append.js';
import {
  ADMIN_STREAM,
  AdminCommandSent,
  EMPTY_CHAIN,
  endWith,
  IMPORTS_STREAM,
  ProgressUpdated,
  type TaskEvent,
  TaskImportBegun,
  TaskImported,
} from '../../events/index.js';
import { DELIVERIES, message, temporaryFolder, Views } from '../views.fixture.js';
import { AuditLog, covers } from './audit-log.fixture.js';
import { GetLogStats } from './log-stats.query.js';
import { QueryAudit } from './query-audit.query.js';
import { until } from '../../../test/until.js';

const EVENTS = 600;

describe.each(DELIVERIES)('query_audit, its events delivered %s,', (_, delivered) => {
  const folder = temporaryFolder();
  const audit = new AuditLog(new MemoryEventLog());
  let views: Views;

  beforeAll(async () => {
    await audit.fill(EVENTS);
    views = await Views.over(delivered(audit.log), folder.path('views.db'));
  });
  afterAll(async () => {
    await views.close();
    folder.remove();
  });

  const page = async (fields: Partial<QueryAudit>, apps?: string[]) => {
    const after = await audit.log.head();
    return views.ask<AuditPage>(message(QueryAudit, fields), {
      ...(after && { after }),
      ...(apps && { apps }),
    });
  };

  async function all(fields: Partial<QueryAudit>): Promise<AuditEvent[]> {
    const found: AuditEvent[] = [];
    let cursor: string | undefined;
    do {
      const answer = await page({ ...fields, ...(cursor !== undefined && { cursor }) });
      found.push(...answer.events);
      cursor = answer.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  it('answers what any filter covers, in both orders and pages of any size, with its count', async () => {
    const random = new AuditLog(audit.log, 7);
    for (let round = 0; round < 60; round += 1) {
      const filter = random.anyFilter(audit.written);
      const order = random.random(2) === 0 ? 'asc' : 'desc';
      const limit = [1, 7, 100, 1_000][random.random(4)]!;
      const wanted = audit.written.filter((event) => covers(filter, event));
      if (order === 'desc') wanted.reverse();
      const found =
        limit === 1
          ? (await page({ ...filter, order, limit })).events
          : await all({ ...filter, order, limit });
      expect({ filter, order, ids: found.map(({ eventId }) => eventId) }).toEqual({
        filter,
        order,
        ids: wanted.slice(0, limit === 1 ? 1 : undefined).map(({ eventId }) => eventId),
      });
      const { count } = await page({ ...filter, limit: 1, count: true });
      expect({ filter, count }).toEqual({ filter, count: { events: wanted.length, exact: true } });
    }
  });

  it('says all that is known of an event, a refusal too', async () => {
    const [refusal] = (await page({ refused: true, limit: 1 })).events;
    const written = audit.written.filter(({ type }) => type === 'CommandRefused').at(-1)!;
    expect(refusal).toMatchObject({
      position: written.position,
      at: written.at,
      type: 'CommandRefused',
      taskId: written.taskId,
      taskType: written.taskType,
      appName: written.appName,
      actor: { id: written.actor, roles: ['client'], verified: true },
      correlationId: written.correlationId,
      commandId: written.eventId,
      status: 'running',
      attempt: 1,
      refused: { command: 'complete_task', code: 'INVALID_TRANSITION', reason: 'not now' },
    });
    expect(refusal?.line).toContain('was refused complete_task: INVALID_TRANSITION not now');
  });

  it('shows an actor who is confined to apps nothing of others, and counts nothing of them', async () => {
    const mine = audit.written.filter(({ appName }) => appName === 'app-2');
    const { events, count } = await page({ limit: 1_000, count: true }, ['app-2', 'app-9']);
    expect(events.map(({ appName }) => appName)).toEqual(mine.map(() => 'app-2'));
    expect(count).toEqual({ events: mine.length, exact: true });
    expect(await page({ appName: 'app-1', count: true }, ['app-2'])).toEqual({
      events: [],
      count: { events: 0, exact: true },
    });
  });

  it('refuses a cursor that it did not give out', async () => {
    for (const cursor of ['x', `00000000:${'1'.padStart(20, '0')}`]) {
      await expect(page({ cursor })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { field: 'cursor' },
      });
    }
  });

  it('shows what was appended before it was asked, and when it is paused what it has', async () => {
    const newest = async () =>
      (await views.ask<AuditPage>(message(QueryAudit, { limit: 1 }))).events[0]?.eventId;
    await audit.fill(1);
    const last = audit.written.at(-1)?.eventId;
    expect(await newest()).toBe(last);
    const run = views.runner.served().find(({ name }) => name === 'audit');
    await run?.setPaused(true);
    await until(async () => (await run?.status(undefined))?.[0]?.state === 'paused');
    await audit.fill(1);
    expect(await newest()).toBe(last);
    await run?.setPaused(false);
    await until(async () => (await newest()) === audit.written.at(-1)?.eventId);
  });

  it('waits for what its sender has written', async () => {
    const position = await audit.append(3, new ProgressUpdated({ progress: 1 }));
    expect((await page({ limit: 1 })).events[0]?.position).toBe(position);
  });

  it('log_stats counts what the log holds', async () => {
    const after = (await audit.log.head())!;
    const stats = await views.ask<LogStats>(message(GetLogStats), { after });
    const of = (type: string) => audit.written.filter((event) => event.type === type).length;
    expect(stats).toMatchObject({
      logId: audit.log.logId,
      kind: 'sqlite',
      head: after,
      events: audit.written.length,
      tasks: of('TaskCreated'),
      refusals: of('CommandRefused'),
      firstAt: audit.written[0]!.at,
      lastAt: audit.written.at(-1)!.at,
    });
    expect(stats.byType['ProgressUpdated']).toBe(of('ProgressUpdated'));
  });
});

describe('query_audit of a task', () => {
  const folder = temporaryFolder();
  const audit = new AuditLog(new MemoryEventLog(), 3);
  const imported = AuditLog.idOf(77);
  const other = AuditLog.idOf(2);
  let views: Views;

  beforeAll(async () => {
    const tell = async (stream: string, event: TaskEvent, about: { appName?: string } = {}) => {
      const context = { ...contextFor({ commandId: randomUUID() }), now: 5 };
      const [last] = await audit.log.readStream(stream, { direction: 'backwards', limit: 1 });
      const end = last ? endWith(last) : { ...EMPTY_CHAIN, timestamp: 0 };
      await appendChained(audit.log, stream, end, event, context, about);
    };
    const args = { processor: 'webhook:billing', taskId: other };
    const discarded = new AdminCommandSent({ command: 'discard_parked_events', args });
    const about = { taskId: imported, fromLog: '0000abcd' };
    await audit.fill(200, 4);
    await tell(ADMIN_STREAM, discarded);
    await tell(ADMIN_STREAM, new AdminCommandSent({ command: 'backup', args: {} }));
    await audit.fill(100, 4);
    await tell(IMPORTS_STREAM, new TaskImportBegun(about));
    const whole = new TaskImported({ ...about, events: 1, refusals: 0, head: '' });
    await tell(IMPORTS_STREAM, whole, { appName: 'app-1' });
    await tell(ADMIN_STREAM, discarded);
    await audit.fill(100, 4);
    views = await Views.over(audit.log, folder.path('views.db'));
  });
  afterAll(async () => {
    await views.close();
    folder.remove();
  });

  const ask = async (fields: Partial<QueryAudit>, apps?: string[]) =>
    views.ask<AuditPage>(message(QueryAudit, fields), {
      after: (await audit.log.head())!,
      ...(apps && { apps }),
    });

  it.each(['asc', 'desc'] as const)('finds what was done about it elsewhere, %s', async (order) => {
    const found: AuditEvent[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await ask({
        taskIds: [other],
        order,
        limit: 7,
        count: true,
        ...(cursor && { cursor }),
      });
      found.push(...page.events);
      const own = audit.written.filter(({ taskId }) => taskId === other).length;
      expect(page.count).toEqual({ events: own + 2, exact: true });
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    const positions = found.map(({ position }) => position);
    expect(positions).toEqual(
      order === 'asc' ? positions.toSorted() : positions.toSorted().reverse(),
    );
    expect(found.every(({ taskId }) => taskId === other)).toBe(true);
    const admin = found.filter(({ type }) => type === 'AdminCommandSent');
    expect(admin.map(({ revision }) => revision)).toEqual(order === 'asc' ? [0, 2] : [2, 0]);
  });

  it('finds its import, and together with other filters', async () => {
    const types = async (fields: Partial<QueryAudit>, apps?: string[]) =>
      (await ask({ taskIds: [imported], ...fields }, apps)).events.map(({ type }) => type);
    expect(await types({})).toEqual(['TaskImported', 'TaskImportBegun']);
    expect(await types({ events: ['TaskImported'] })).toEqual(['TaskImported']);
    expect(await types({ atFrom: 6 })).toEqual([]);
    expect(await types({}, ['app-1'])).toEqual(['TaskImported']);
    expect(await types({}, ['app-2'])).toEqual([]);
    const { count } = await ask({ taskIds: [imported], appName: 'app-1', count: true });
    expect(count).toEqual({ events: 1, exact: true });
  });

  it('shows who is confined to apps nothing of what admins did', async () => {
    const { events } = await ask({ taskIds: [other], limit: 1_000 }, ['app-2']);
    expect(new Set(events.map(({ appName }) => appName))).toEqual(new Set(['app-2']));
  });
});
