import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import type { EventLog } from '../../event-store/index.js';
import { MemoryEventLog, MemoryLogStorage } from '../../event-store/memory/index.js';
import { AuditFolder, change, type Process, rowsOf, states, work } from './audit-folder.fixture.js';
import { AuditWitness } from './audit-witness.js';
import type { AuditProjection } from './audit.projection.js';

let here: AuditFolder;
beforeEach(async () => {
  here = await AuditFolder.filled();
});
afterEach(() => here.close());

describe('an audit that knows more than the log', () => {
  /** The log without its last events, or with others in their place. */
  async function shortened(events: number, others = 0): Promise<EventLog> {
    const storage = Object.assign(new MemoryLogStorage(), { logId: here.audit.log.logId });
    const log = new MemoryEventLog(storage);
    const { events: all } = await here.audit.log.readAll({ limit: 10_000 });
    for (const { stream, revision, ...event } of all.slice(0, events)) {
      await log.append(stream, revision === 0n ? 'no_stream' : revision - 1n, [event]);
    }
    for (let n = 0; n < others; n += 1) {
      await log.append('task-other', 'any', [
        { id: `${n}`, type: 'X', data: '{}', metadata: '{}' },
      ]);
    }
    return log;
  }
  const witnessOf = ({ run, thread, log }: Process) =>
    new AuditWitness({ run, thread } as unknown as AuditProjection, log);

  it.each([
    ['its end was cut off', 0],
    ['another end was put in its place', 400],
  ])('is kept as evidence when %s, and another one is built', async (_, others) => {
    await here.stop(await here.caughtUp());
    const log = await shortened(1_000, others);
    const process = await here.caughtUp(log);
    expect(process.told).toEqual([
      expect.stringContaining('knows events that the log does not hold'),
    ]);
    expect(process.told[0]).toContain('audit-1.db is kept as evidence');
    expect(states(process)).toEqual(['1 kept', '2 serving']);
    expect((await rowsOf(process)).length).toBe(1_000 + others);

    const lost = here.audit.written[1_000]!;
    const [first] = await witnessOf(process).beyond(here.audit.written[999]!.position, 1);
    if (others === 0)
      expect(first).toMatchObject({ eventId: lost.eventId, position: lost.position });
    const heads = await witnessOf(process).heads(undefined, 10_000);
    const last = here.audit.written.filter(({ stream }) => stream === lost.stream).at(-1)!;
    expect(heads.find(({ stream }) => stream === lost.stream)).toMatchObject({
      eventId: last.eventId,
      position: last.position,
      type: last.type,
    });
  });

  it('of another release is not asked, nor touched, and it is said that one is there', async () => {
    const before = await here.caughtUp();
    await before.run.rebuild(work(), { keepOld: true });
    await here.stop(before);
    const kept = here.path('audit-1.db');
    change(kept, 'UPDATE meta SET version = 99; DROP TABLE detail;');
    const asLeft = readFileSync(kept);
    const process = await here.caughtUp();
    const witness = witnessOf(process);
    expect(await witness.silent()).toBe(1);
    expect(await witness.heads(undefined, 10_000)).toHaveLength(
      new Set(here.audit.written.map(({ stream }) => stream)).size,
    );
    expect(readFileSync(kept)).toEqual(asLeft);
    expect(states(process)).toEqual(['1 kept', '2 serving']);
  });

  it('that was taken away is not asked, and it is said that one is missing', async () => {
    const process = await here.caughtUp();
    await process.run.rebuild(work(), { keepOld: true });
    expect(await witnessOf(process).silent()).toBe(0);
    await process.thread.call('drop', here.path('audit-1.db'));
    expect(await witnessOf(process).silent()).toBe(1);
  });

  it('says the last event of each stream, in pages, in the order of their names', async () => {
    const witness = witnessOf(await here.caughtUp());
    const found: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await witness.heads(after, 7);
      found.push(...page.map(({ stream, revision }) => `${stream} ${revision}`));
      after = page.at(-1)?.stream;
      if (page.length < 7) break;
    }
    const heads = new Map<string, number>();
    for (const { stream } of here.audit.written) heads.set(stream, (heads.get(stream) ?? -1) + 1);
    expect(found).toEqual([...heads].map(([stream, last]) => `${stream} ${last}`).sort());
    expect(existsSync(here.path('audit-1.db'))).toBe(true);
  });
});
