import { describe, expect, test } from '@jest/globals';
import { TASK_EVENT_TYPES } from '@taskmanager/protocol';
import { EventRegistry, UnknownEvent } from './event-registry.js';
import { TaskEvent } from './task-event.js';
import { TASK_EVENT_CLASSES } from './task-events.js';

/** A made-up event in its third version: `{ seconds }`, then `{ ms }`, then `{ ms, reason }`. */
class TaskDelayed extends TaskEvent<{ readonly ms: number; readonly reason: string }> {
  static readonly type = 'TaskDelayed';
  static readonly version = 3;
  readonly type = TaskDelayed.type;
  readonly version = TaskDelayed.version;
}

const registry = () =>
  new EventRegistry<TaskDelayed>([TaskDelayed])
    .addUpcaster('TaskDelayed', 1, (data) => ({
      ms: (data as { seconds: number }).seconds * 1_000,
    }))
    .addUpcaster('TaskDelayed', 2, (data) => ({ ...data, reason: 'not recorded' }));

describe('reading what is stored', () => {
  test('brings every version up, one step after the other', () => {
    const events = registry();
    const stored = { seconds: 2 };
    const event = events.revive('TaskDelayed', 1, stored);
    expect(event).toBeInstanceOf(TaskDelayed);
    expect(event.data).toEqual({ ms: 2_000, reason: 'not recorded' });
    expect(stored).toEqual({ seconds: 2 });
    expect(events.revive('TaskDelayed', 2, { ms: 5 }).data).toEqual({
      ms: 5,
      reason: 'not recorded',
    });
    expect(events.revive('TaskDelayed', 3, { ms: 5, reason: 'x' }).data).toEqual({
      ms: 5,
      reason: 'x',
    });
  });

  test('refuses what a newer release wrote', () => {
    expect(() => registry().revive('TaskDelayed', 4, {})).toThrow(UnknownEvent);
    expect(() => registry().revive('TaskForgotten', 1, {})).toThrow(/newer release/);
  });

  test('a step that is missing is a fault of ours', () => {
    const events = new EventRegistry<TaskDelayed>([TaskDelayed]);
    expect(() => events.revive('TaskDelayed', 2, {})).toThrow('No upcaster');
  });
});

describe('the registry refuses', () => {
  test('two classes of one name', () => {
    expect(() => new EventRegistry([TaskDelayed, TaskDelayed])).toThrow('TaskDelayed');
  });

  test('two ways from one version to the next', () => {
    expect(() => registry().addUpcaster('TaskDelayed', 1, (data) => data)).toThrow('Two upcasters');
  });

  test.each([0, 3, 4])('a way from version %d, which leads nowhere', (from) => {
    expect(() => registry().addUpcaster('TaskDelayed', from, (data) => data)).toThrow(
      `no version ${from}`,
    );
  });

  test('a way for an event that it does not know', () => {
    expect(() => registry().addUpcaster('TaskForgotten', 1, (data) => data)).toThrow();
  });
});

test('every event of the transition table has a class of that stable name, and the other way round', () => {
  expect(TASK_EVENT_CLASSES.map(({ type }) => type).sort()).toEqual([...TASK_EVENT_TYPES].sort());
});
