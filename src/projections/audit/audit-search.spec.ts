import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuditFilter, offsetOf } from '@taskmanager/protocol';
import type { Database } from '@taskmanager/sqlite-driver';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { ProgressUpdated, taskStream } from '../../events/index.js';
import { temporaryFolder } from '../views.fixture.js';
import { AuditLog, covers, type WrittenEvent } from './audit-log.fixture.js';
import { AUDIT_VERSION, auditRowOf } from './audit-row.js';
import { openAuditDatabase } from './audit-schema.js';
import { AuditSearch, type AuditSearchRequest } from './audit-search.js';
import { AuditWriter } from './audit-writer.js';

/** More than two stretches whose times are summed up. */
const EVENTS = 9_000;

describe('a search of the audit', () => {
  const folder = temporaryFolder();
  const audit = new AuditLog(new MemoryEventLog(), 11);
  let db: Database;

  beforeAll(async () => {
    await audit.fill(EVENTS);
    const progressed = new ProgressUpdated({ progress: 1 });
    for (let n = 0; n < 500; n += 1) await audit.append(1, progressed, { actor: 'elsewhere' });
    const { events, position } = await audit.log.readAll({ limit: 10_000 });
    db = openAuditDatabase(folder.path('audit-1.db'), audit.log.logId, AUDIT_VERSION);
    new AuditWriter(db).write(null, events.map(auditRowOf), position ?? null);
  });
  afterAll(() => {
    db.close();
    folder.remove();
  });

  const wantedBy = (filter: AuditFilter, order: 'asc' | 'desc'): WrittenEvent[] => {
    const wanted = audit.written.filter((event) => covers(filter, event));
    return order === 'asc' ? wanted : wanted.reverse();
  };
  const asked = ({ appName, ...filter }: AuditFilter, limit: number, order: 'asc' | 'desc') =>
    ({ ...filter, ...(appName !== undefined && { apps: [appName] }), limit, order }) as const;

  /** Page after page; fails when one does not get on. */
  function all(search: AuditSearch, request: AuditSearchRequest) {
    const ids: string[] = [];
    let [beyond, empty, pages]: [number | undefined, number, number] = [undefined, 0, 0];
    do {
      const page = search.page({ ...request, ...(beyond !== undefined && { beyond }) });
      const { next } = page;
      if (next !== undefined && beyond !== undefined) {
        expect(request.order === 'asc' ? next > beyond : next < beyond).toBe(true);
      }
      ids.push(...page.rows.map(({ eventId }) => eventId));
      if (page.rows.length === 0 && next !== undefined) empty += 1;
      pages += 1;
      beyond = next;
    } while (beyond !== undefined);
    return { ids, empty, pages };
  }

  it('finds the same, however little it may look at in one page', () => {
    const random = new AuditLog(audit.log, 5);
    for (const budget of [40, 700, 20_000]) {
      const search = new AuditSearch(db, { page: budget, count: budget });
      for (let round = 0; round < 8; round += 1) {
        const filter = random.anyFilter(audit.written);
        const order = round % 2 === 0 ? 'asc' : 'desc';
        const request = asked(filter, [3, 100][random.random(2)]!, order);
        const wanted = wantedBy(filter, order).map(({ eventId }) => eventId);
        expect({ budget, request, ids: all(search, request).ids }).toEqual({
          budget,
          request,
          ids: wanted,
        });
      }
    }
  });

  it('ends a page with a cursor and no event where filters that are common never meet', () => {
    const search = new AuditSearch(db, { page: 200, count: 200 });
    const never = asked({ appName: 'app-1', taskIds: [AuditLog.idOf(2)] }, 10, 'asc');
    const { ids, empty } = all(search, never);
    expect(ids).toEqual([]);
    expect(empty).toBeGreaterThan(0);
    expect(search.page({ ...never, count: true }).count).toEqual({ events: 0, exact: false });
  });

  it.each<[string, AuditFilter, AuditFilter]>([
    ['an actor', { actor: 'elsewhere' }, { actor: 'nobody' }],
    ['a task', { taskIds: [AuditLog.idOf(1)] }, { taskIds: [AuditLog.idOf(999)] }],
  ])(
    'tells who is confined to apps the same of %s of others as of one that is nowhere',
    (_, elsewhere, nowhere) => {
      const search = new AuditSearch(db, { page: 200, count: 200 });
      const told = (filter: AuditFilter, order: 'asc' | 'desc') => {
        const request = { ...asked({ ...filter, appName: 'app-2' }, 10, order), confined: true };
        return [search.page({ ...request, count: true }), all(search, request)];
      };
      for (const order of ['asc', 'desc'] as const) {
        expect(told(elsewhere, order)).toEqual(told(nowhere, order));
      }
    },
  );

  it('finds for who is confined to apps what is theirs, however little it may look at', () => {
    const random = new AuditLog(audit.log, 9);
    const search = new AuditSearch(db, { page: 200, count: 200 });
    for (let round = 0; round < 12; round += 1) {
      const filter = { ...random.anyFilter(audit.written), appName: 'app-2' };
      const order = round % 2 === 0 ? 'asc' : 'desc';
      const wanted = wantedBy(filter, order).map(({ eventId }) => eventId);
      const { ids } = all(search, { ...asked(filter, 10, order), confined: true });
      expect({ filter, order, ids }).toEqual({ filter, order, ids: wanted });
    }
  });

  it('counts exactly what it can look at, and says where it cannot', () => {
    const random = new AuditLog(audit.log, 3);
    const [large, small] = [new AuditSearch(db), new AuditSearch(db, { page: 100, count: 100 })];
    for (let round = 0; round < 40; round += 1) {
      const filter = random.anyFilter(audit.written);
      const request = { ...asked(filter, 1, 'asc'), count: true };
      const events = wantedBy(filter, 'asc').length;
      expect({ request, count: large.page(request).count }).toEqual({
        request,
        count: { events, exact: true },
      });
      const counted = small.page(request).count!;
      expect(counted.events).toBeLessThanOrEqual(events);
      if (counted.exact) expect({ request, events: counted.events }).toEqual({ request, events });
    }
  });

  it('counts one filter exactly at once, though there are streams that nobody is to see', () => {
    const search = new AuditSearch(db, { page: 100, count: 1_000 });
    const unseen = [3, 5].map((n) => taskStream(AuditLog.idOf(n)));
    const filters = [{}, { actor: 'actor-1' }, { taskIds: [3, 8].map((n) => AuditLog.idOf(n)) }];
    for (const filter of filters) {
      const seen = wantedBy(filter, 'asc').filter(({ stream }) => !unseen.includes(stream));
      const { count } = search.page({ ...asked(filter, 1, 'asc'), unseen, count: true });
      expect({ filter, count }).toEqual({ filter, count: { events: seen.length, exact: true } });
    }
  });

  it('goes on from the middle, in both directions', () => {
    const middle = audit.written[EVENTS / 2]!;
    const beyond = Number(offsetOf(middle.position));
    const search = new AuditSearch(db);
    const [up, down] = [audit.written[EVENTS / 2 + 1]!, audit.written[EVENTS / 2 - 1]!];
    const page = (order: 'asc' | 'desc') =>
      search.page({ order, limit: 1, beyond }).rows[0]?.eventId;
    expect([page('asc'), page('desc')]).toEqual([up.eventId, down.eventId]);
  });
});
