import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuditEvent, AuditPage, LogStats } from '@taskmanager/protocol';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { ProgressUpdated } from '../../events/index.js';
import { DELIVERIES, message, temporaryFolder, Views } from '../views.fixture.js';
import { AuditLog, covers } from './audit-log.fixture.js';
import { GetLogStats } from './log-stats.query.js';
import { QueryAudit } from './query-audit.query.js';

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
