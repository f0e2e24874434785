import type { Actor, AuditFilter, Position } from '@taskmanager/protocol';
import { v5 } from 'uuid';
import type { EventLog } from '../../event-store/index.js';
import {
  type ChainEnd,
  CommandRefused,
  EMPTY_CHAIN,
  encodeEvent,
  ProgressUpdated,
  refusalStream,
  TaskCompleted,
  TaskCreated,
  type TaskEvent,
  TaskFailed,
  TaskStarted,
  taskStream,
} from '../../events/index.js';
import { CREATED } from '../task-log.fixture.js';

/** What a test knows of an event that it has written. */
export interface WrittenEvent {
  readonly position: Position;
  readonly eventId: string;
  readonly at: number;
  readonly stream: string;
  readonly taskId: string;
  readonly type: string;
  readonly actor: string;
  readonly appName: string;
  readonly taskType: string;
  readonly workerId: string | undefined;
  readonly correlationId: string;
}

const START = 1_700_000_000_000;
const pick = <T>(items: readonly T[], n: number): T => items[n % items.length] as T;

/** What a filter means, written down once more. */
export function covers(filter: AuditFilter, event: WrittenEvent): boolean {
  const { actor, appName, taskIds, taskTypes, events, workerId, correlationId } = filter;
  const is = <T>(wanted: T | undefined, found: T | undefined) =>
    wanted === undefined || wanted === found;
  const isOneOf = (wanted: readonly string[] | undefined, found: string) =>
    wanted?.includes(found) ?? true;
  return (
    is(actor, event.actor) &&
    is(appName, event.appName) &&
    is(workerId, event.workerId) &&
    is(correlationId, event.correlationId) &&
    isOneOf(taskIds, event.taskId) &&
    isOneOf(taskTypes, event.taskType) &&
    isOneOf(events, event.type) &&
    is(filter.refused, event.type === 'CommandRefused') &&
    event.at >= (filter.atFrom ?? 0) &&
    event.at <= (filter.atTo ?? Infinity)
  );
}

/** For tests: events of many tasks by many actors, refusals among them, by small numbers of one seed. */
export class AuditLog {
  readonly written: WrittenEvent[] = [];
  private readonly chains = new Map<string, ChainEnd>();
  private seed: number;

  constructor(
    readonly log: EventLog,
    seed = 1,
  ) {
    this.seed = seed;
  }

  static idOf(n: number): string {
    return v5(`task ${n}`, v5.URL);
  }

  /** A number from 0 to below `most`. */
  random(most: number): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.seed / 2 ** 32) * most);
  }

  /** So many events of so many tasks; their times go back now and then. */
  async fill(events: number, tasks = 30): Promise<void> {
    for (let n = 0; n < events; n += 1) {
      const task = this.random(tasks);
      await this.append(task, this.eventOf(task), { at: START + n * 10 - this.random(2_000) });
    }
  }

  async append(
    task: number,
    event: TaskEvent,
    { at = START, actor = `actor-${this.random(9)}` }: { at?: number; actor?: string } = {},
  ): Promise<Position> {
    const taskId = AuditLog.idOf(task);
    const refused = event.type === 'CommandRefused';
    const stream = refused ? refusalStream(taskId) : taskStream(taskId);
    const chain = this.chains.get(stream) ?? EMPTY_CHAIN;
    const eventId = v5(`${stream}/${chain.revision + 1}`, v5.URL);
    const appName = `app-${task % 4}`;
    const taskType = `type_${task % 3}`;
    const workerId = this.random(3) === 0 ? `worker-${this.random(5)}` : undefined;
    const correlationId = `correlation-${this.random(40)}`;
    const encoded = encodeEvent(chain, stream, eventId, event, {
      timestamp: at,
      actor: actorOf(actor),
      commandId: eventId,
      $correlationId: correlationId,
      $causationId: eventId,
      transport: pick(['tcp', 'nats', 'internal'], this.random(3)),
      taskType,
      appName,
      status: 'running',
      attempt: 1,
      ...(workerId !== undefined && { workerId }),
    });
    this.chains.set(stream, encoded.chain);
    const expected = chain.revision < 0 ? 'no_stream' : BigInt(chain.revision);
    const { position } = await this.log.append(stream, expected, [encoded.text]);
    const { type } = event;
    const who = { actor, appName, taskType, workerId, correlationId };
    this.written.push({ position, eventId, at, stream, taskId, type, ...who });
    return position;
  }

  /** Some of the filters, for what was written and for what nobody has written. */
  anyFilter(written: readonly WrittenEvent[]): AuditFilter {
    const maybe = <T>(value: T): T | undefined => (this.random(4) === 0 ? value : undefined);
    const from = pick(written, this.random(written.length)).at;
    const made: AuditFilter = {
      actor: maybe(`actor-${this.random(10)}`),
      appName: maybe(`app-${this.random(5)}`),
      taskIds: maybe([AuditLog.idOf(this.random(31)), AuditLog.idOf(3)]),
      taskTypes: maybe([`type_${this.random(4)}`, 'type_1']),
      events: maybe(['TaskCreated', 'ProgressUpdated', 'CommandRefused'].slice(this.random(3))),
      workerId: maybe(`worker-${this.random(5)}`),
      correlationId: maybe(`correlation-${this.random(41)}`),
      refused: maybe(this.random(2) === 0),
      atFrom: maybe(from),
      atTo: maybe(from + this.random(9_000)),
    };
    const given = Object.entries(made).filter(([, value]) => value !== undefined);
    return Object.fromEntries(given);
  }

  private eventOf(task: number): TaskEvent {
    const isNew = !this.chains.has(taskStream(AuditLog.idOf(task)));
    if (isNew) return new TaskCreated({ ...CREATED, appName: `app-${task % 4}` });
    const progress = this.random(100);
    const reason = 'not now';
    const refusal = { command: 'complete_task', code: 'INVALID_TRANSITION', reason } as const;
    return pick<TaskEvent>(
      [
        new TaskStarted({ attempt: 1 }),
        new ProgressUpdated({ progress }),
        new ProgressUpdated({ progress, message: 'cloning' }),
        new TaskCompleted({}),
        new TaskFailed({ error: 'the disk is full', retryable: true, willRetry: true }),
        new CommandRefused({ ...refusal, actor: actorOf('bob') }),
      ],
      this.random(6),
    );
  }
}

function actorOf(id: string): Actor {
  return { id, roles: ['client'], verified: true };
}
