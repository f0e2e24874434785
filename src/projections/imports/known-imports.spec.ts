import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { appendChained } from '../../commands/chained-append.js';
import { contextFor, TASK_ID } from '../../../test/given.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  type AnyImportEvent,
  ChainEnds,
  IMPORTS_STREAM,
  TaskImportBegun,
  TaskImported,
} from '../../events/index.js';
import { KnownImports } from './known-imports.js';

const fromLog = '0000abcd';
const begun = (taskId = TASK_ID) => new TaskImportBegun({ taskId, fromLog });
const imported = (taskId = TASK_ID) =>
  new TaskImported({ taskId, fromLog, events: 3, refusals: 0, head: '0'.repeat(64) });

let log: MemoryEventLog;
let known: KnownImports;

beforeEach(() => {
  log = new MemoryEventLog();
  known = new KnownImports(log);
  Logger.overrideLogger(false);
});
afterEach(() => {
  Logger.overrideLogger(['log', 'warn', 'error']);
});

async function append(...events: readonly AnyImportEvent[]): Promise<void> {
  for (const event of events) {
    await known.refresh();
    const context = { ...contextFor({ commandId: randomUUID() }), now: 5 };
    await appendChained(log, IMPORTS_STREAM, known.end, event, context, { appName: 'shop' });
  }
  await known.refresh();
}

describe('The imports that a process knows', () => {
  it('are those that are complete, each in the streams that were begun last', async () => {
    await append(begun(), begun(), imported());
    expect(known.find(TASK_ID)).toMatchObject({ appName: 'shop', events: 3, begun: 2, at: 5 });
    const first = [`imported-${TASK_ID}`, `imported-refused-${TASK_ID}`];
    expect(known.unseen()).toEqual(first);
    const other = randomUUID();
    await append(begun(other));
    expect([known.find(other), known.begun(other)]).toEqual([undefined, 1]);
    expect(known.unseen()).toEqual([...first, `imported-${other}`, `imported-refused-${other}`]);
    await append(imported(other), begun(TASK_ID));
    expect([known.find(TASK_ID)?.begun, known.unseen()]).toEqual([2, first]);
  });

  it.each([
    ['no JSON', 'TaskImported', '{', '{'],
    ['of no known kind', 'Surprise', '{}', '{"timestamp":3,"version":1}'],
    ['without data or an actor', 'TaskImported', 'null', '{"version":1}'],
  ])('pass over an event that is %s, and go on behind it', async (_, type, data, metadata) => {
    await append(begun());
    await log.append(IMPORTS_STREAM, 0n, [{ id: randomUUID(), type, data, metadata }]);
    await append(imported());
    expect(known.find(TASK_ID)).toMatchObject({ events: 3 });
    const ends = new ChainEnds();
    const events = await log.readStream(IMPORTS_STREAM);
    const faults = events.map((event) => ends.follow(event)?.code);
    expect(faults).toEqual([undefined, 'no_hash', undefined]);
  });
});
