import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import {
  ADMIN_EVENT_CLASSES,
  IMPORT_EVENT_CLASSES,
  REFUSAL_EVENT_CLASSES,
  TASK_EVENT_CLASSES,
  TASK_TYPE_EVENT_CLASSES,
} from '../../events/index.js';
import { eventLine, LINE_LENGTH, TYPES_WITH_A_LINE } from './event-line.js';

const ANN = { actor: { id: 'ann' }, timestamp: 1_000, transport: 'tcp' };
const FIXTURES = new URL('../../../test/fixtures/events/', import.meta.url);

describe('eventLine', () => {
  it('has a line for every event that is registered', () => {
    const registered = [
      ...TASK_EVENT_CLASSES,
      ...TASK_TYPE_EVENT_CLASSES,
      ...REFUSAL_EVENT_CLASSES,
      ...ADMIN_EVENT_CLASSES,
      ...IMPORT_EVENT_CLASSES,
    ];
    expect([...TYPES_WITH_A_LINE].sort()).toEqual(registered.map(({ type }) => type).sort());
  });

  it.each([
    ['TaskPaused', { reason: 'the disk is full' }, ANN, 'ann paused it: the disk is full · tcp'],
    [
      'ProgressUpdated',
      { progress: 40, completedItems: 4, totalItems: 10, message: 'cloning' },
      { actor: { id: 'worker-7' }, workerId: 'worker-7', transport: 'nats' },
      'worker-7 reported 40 % (4 of 10): cloning · nats',
    ],
    [
      'TaskRetryScheduled',
      { attempt: 2, dueAt: 3_000 },
      { actor: { id: 'saga:retry' }, timestamp: 1_000, transport: 'internal' },
      'saga retry scheduled attempt 3 in 2 s',
    ],
    [
      'CommandRefused',
      { command: 'complete_task', code: 'INVALID_TRANSITION', reason: 'It is paused.' },
      { actor: { id: 'bob' } },
      'bob was refused complete_task: INVALID_TRANSITION It is paused.',
    ],
    [
      'TaskTypeLimited',
      { taskType: 'clone', maxRunning: null },
      { actor: { id: 'root' } },
      'root lifted the limit of clone',
    ],
    [
      'TaskFailed',
      { error: 'no space' },
      { actor: { id: 'app' } },
      'app recorded a failure, not to be tried again by itself: no space',
    ],
    [
      'TaskImportBegun',
      { taskId: 'a-task', fromLog: 'feabaa6a' },
      { actor: { id: 'root' } },
      'root began to import task a-task from log feabaa6a',
    ],
    [
      'TaskImported',
      { taskId: 'a-task', fromLog: 'feabaa6a', events: 3, refusals: 1 },
      { actor: { id: 'root' } },
      'root imported task a-task from log feabaa6a: 3 events, 1 refusals',
    ],
  ])('says of %s what happened', (type, data, metadata, line) => {
    expect(eventLine(type, data, metadata)).toBe(line);
  });

  it('keeps to one line, whatever was written from outside', () => {
    const line = eventLine('TaskPaused', { reason: 'a\nb\u001b[31m\u202e\u2028' }, ANN);
    expect(line).toBe('ann paused it: a\\nb\\u001b[31m\\u202e\\u2028 · tcp');
    const long = eventLine(
      'TaskFailed',
      { error: 'x'.repeat(9_000) },
      { actor: { id: 'y'.repeat(900) } },
    );
    expect(long.length).toBeLessThanOrEqual(LINE_LENGTH);
    expect(long.endsWith('…')).toBe(true);
  });

  it('reads every stored example of an event', () => {
    for (const file of readdirSync(FIXTURES)) {
      const stored = JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as {
        readonly type: string;
        readonly data: string;
        readonly metadata: string;
      };
      const line = eventLine(stored.type, JSON.parse(stored.data), JSON.parse(stored.metadata));
      expect(line).not.toMatch(/undefined|\[object|\?/);
    }
  });

  it('never throws, and answers one line, for any data of any type', () => {
    const types = fc.oneof(fc.constantFrom(...TYPES_WITH_A_LINE), fc.string());
    fc.assert(
      fc.property(types, fc.anything(), fc.anything(), (type, data, metadata) => {
        const line = eventLine(type, data, metadata);
        expect(line.length).toBeLessThanOrEqual(LINE_LENGTH);
        expect(line).not.toMatch(/[\u0000-\u001f\u2028\u2029]/); // eslint-disable-line no-control-regex -- looked for
      }),
      { numRuns: 500 },
    );
  });
});
