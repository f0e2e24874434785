import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { CommandBus } from '@nestjs/cqrs';
import type { CleanUpEndedTasks } from '../commands/internal/clean-up-ended-tasks.command.js';
import type { RetentionSettings } from '../config/index.js';
import { contextOf, SystemClock, TimeOrderedIds } from '../context/index.js';
import type { Ownership } from '../processing/index.js';
import { Retention } from './retention.js';
import { until } from '../../test/until.js';

/** Whether this process runs what moves by itself; as the test says. */
class GivenOwnership {
  private term = new AbortController();
  readonly waiting: (() => void)[] = [];
  private held = true;

  async whenOwner(signal: AbortSignal) {
    while (!this.held && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return signal.aborted ? undefined : { epoch: 1, signal: this.term.signal };
  }

  lose(): void {
    this.held = false;
    this.term.abort();
  }

  win(): void {
    this.held = true;
    this.term = new AbortController();
    for (const wake of this.waiting.splice(0)) wake();
  }
}

type Answer = { deleted: number; more: boolean; position?: string };

let ownership: GivenOwnership;
let sent: CleanUpEndedTasks[];
let answer: (command: CleanUpEndedTasks) => Answer | Promise<Answer>;
let lines: string[];
let retention: Retention | undefined;

beforeEach(() => {
  ownership = new GivenOwnership();
  sent = [];
  answer = () => ({ deleted: 0, more: false });
  lines = [];
  const keep = (line: unknown) => void lines.push(String(line));
  jest.spyOn(Logger.prototype, 'log').mockImplementation(keep);
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(keep);
});

afterEach(async () => {
  await retention?.beforeApplicationShutdown();
  retention = undefined;
  jest.restoreAllMocks();
});

function start(settings: RetentionSettings | undefined): void {
  const commandBus = {
    execute: async (command: CleanUpEndedTasks) => {
      sent.push(command);
      return answer(command);
    },
  };
  retention = new Retention(
    { retention: settings },
    ownership as unknown as Ownership,
    commandBus as unknown as CommandBus,
    new SystemClock(),
    new TimeOrderedIds(),
  );
  retention.onApplicationBootstrap();
}

const rule = { statuses: ['completed'], maxAgeMs: 1_000 } as const;
const everyHour = { everyMs: 3_600_000, rules: [rule] };

describe('retention', () => {
  it('does nothing without settings, and nothing at once', async () => {
    start(undefined);
    await retention?.beforeApplicationShutdown();
    start(everyHour);
    await retention?.beforeApplicationShutdown();
    expect([sent, lines]).toEqual([[], []]);
  });

  it('runs again and again, rule by rule, in its own name, and says so in one line', async () => {
    const typed = { ...rule, taskTypes: ['index'], appName: 'shop' };
    answer = ({ appName }) => ({ deleted: appName ? 3 : 0, more: false });
    start({ everyMs: 5, rules: [rule, typed] });
    await until(() => lines.length >= 2);
    expect(sent[0]).toEqual({ ...rule, limit: 200 });
    expect(sent[1]).toEqual({ ...typed, limit: 200 });
    expect(lines[0]).toMatch(/^3 task\(s\) deleted in \d+ ms \(by rule: 0, 3\)$/);
    const [one, two, later] = sent.slice(0, 3).map(contextOf);
    expect(one).toMatchObject({ actor: { id: 'retention' }, transport: 'internal' });
    expect(one?.commandId).not.toBe(two?.commandId);
    expect(one?.correlationId).toBe(two?.correlationId);
    expect(one?.correlationId).not.toBe(later?.correlationId);
  });

  it('goes on while there is more, each time from a view that has seen the last', async () => {
    const answers: Answer[] = [
      { deleted: 200, more: true, position: 'p1' },
      { deleted: 200, more: true, position: 'p2' },
      { deleted: 7, more: false, position: 'p3' },
    ];
    answer = () => answers.shift() ?? { deleted: 0, more: false };
    start({ everyMs: 20, rules: [rule] });
    await until(() => lines.length >= 1);
    expect(lines[0]).toMatch(/^407 task/);
    expect(sent.slice(0, 3).map((command) => contextOf(command).after)).toEqual([
      undefined,
      'p1',
      'p2',
    ]);
  });

  it('does not turn round in a circle over tasks that it cannot delete', async () => {
    answer = () => ({ deleted: 0, more: true });
    start({ everyMs: 5, rules: [rule, rule] });
    await until(() => lines.length >= 1);
    expect(lines[0]).toMatch(/by rule: 0, 0\)$/);
  });

  it('waits until this process is the owner, and stops between batches when it no longer is', async () => {
    ownership.lose();
    answer = () => {
      ownership.lose();
      return { deleted: 200, more: true };
    };
    start({ everyMs: 5, rules: [rule, rule] });
    await until(() => ownership.waiting.length === 1);
    expect(sent).toEqual([]);
    ownership.win();
    await until(() => lines.length >= 1);
    expect(sent).toHaveLength(1);
    expect(lines[0]).toMatch(/^200 task.*\(by rule: 200, 0\); interrupted$/);
  });

  it('is tried again after a failure, which it tells', async () => {
    let failures = 0;
    answer = () => {
      if (failures++ === 0) throw new Error('the log is away');
      return { deleted: 1, more: false };
    };
    start({ everyMs: 5, rules: [rule] });
    await until(() => lines.length >= 2);
    expect(lines[0]).toContain('it failed and is tried again soon: Error: the log is away');
    expect(lines[1]).toMatch(/^1 task/);
  });

  it('ends with the service once the batch at hand is done', async () => {
    let finish = (): void => undefined;
    answer = () =>
      new Promise((resolve) => {
        finish = () => resolve({ deleted: 200, more: true });
      });
    start({ everyMs: 5, rules: [rule] });
    await until(() => sent.length === 1);
    const ended = retention?.beforeApplicationShutdown();
    finish();
    await ended;
    expect(sent).toHaveLength(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('interrupted');
  });
});
