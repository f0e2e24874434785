import { describe, expect, it } from '@jest/globals';
import type { ExportedEvent, Json } from '@taskmanager/protocol';
import { created, started, TASK_ID } from '../../../test/given.js';
import {
  type ChainEnd,
  chainHash,
  CommandRefused,
  EMPTY_CHAIN,
  encodeEvent,
  type EventMetadata,
  ProgressUpdated,
  splitHash,
  TaskApprovalRequested,
  type TaskEvent,
  taskStream,
  withHash,
} from '../../events/index.js';
import { type ImportedHistory, NOTHING_YET, partsOf, withEvent } from './imported-history.js';

const [EVENTS, REFUSALS] = partsOf(TASK_ID, 1);
const STREAM = taskStream(TASK_ID);
const COMMAND_ID = '0190a5a0-0000-5000-8000-000000000010';

type Metadata = Omit<EventMetadata, 'version' | 'hash'>;

const METADATA: Metadata = {
  ...{ timestamp: 1_700_000_000_000, actor: { id: 'eve', roles: [], verified: false } },
  ...{ commandId: COMMAND_ID, $correlationId: 'c', $causationId: 'c', transport: 'tcp' },
  ...{ taskType: 'publish', appName: 'registry', status: 'pending', attempt: 0 },
};

const RUNNING = { status: 'running', attempt: 1 } as const;
const WAITING = 'waiting_for_approval';
const progressed = (progress: unknown = 1) => new ProgressUpdated({ progress } as never);
const asked = () => new TaskApprovalRequested({ quorum: 1, approvers: 'eve' } as never);

/** Events of a file that somebody wrote himself: every hash fits. */
function forged(...events: readonly [TaskEvent, Partial<Metadata>?][]): ExportedEvent[] {
  let end: ChainEnd = EMPTY_CHAIN;
  return events.map(([event, metadata]) => {
    const stored = { ...METADATA, ...metadata };
    const { text, chain } = encodeEvent(end, STREAM, COMMAND_ID, event, stored);
    end = chain;
    return { stream: STREAM, revision: chain.revision, ...text };
  });
}

/** The first event in another text, hashed as it is then. */
function rewritten(
  event: ExportedEvent | undefined,
  change: (texts: { data: string; metadata: string }) => { data: string; metadata: string },
  version = 1,
): ExportedEvent {
  const { metadata = '' } = splitHash(event!.metadata) ?? {};
  const texts = change({ data: event!.data, metadata });
  const link = { ...event!, ...texts, revision: 0n, version };
  const hash = chainHash(EMPTY_CHAIN.hash, link);
  return { ...event!, data: texts.data, metadata: withHash(texts.metadata, hash) };
}

const take = (events: readonly ExportedEvent[]): ImportedHistory =>
  events.reduce((history, event) => withEvent(history, TASK_ID, EVENTS!, event), NOTHING_YET);

describe('An event that is imported', () => {
  it('is folded when all of it fits', () => {
    const { task } = take(forged([created()], [started(), { status: 'running', attempt: 1 }]));
    expect(task).toMatchObject({ id: TASK_ID, status: 'running', revision: 1 });
  });

  const first = () => forged([created()])[0];
  const refused: readonly [string, () => ExportedEvent[], RegExp][] = [
    [
      'another status stands beside it',
      () => forged([created(), { status: 'running' }]),
      /leads to/,
    ],
    ['another app stands beside it', () => forged([created(), { appName: 'x' }]), /leads to/],
    ['another type stands beside it', () => forged([created(), { taskType: 'x' }]), /leads to/],
    ['it is about another task', () => forged([created({ id: 'x' } as object)]), /leads to/],
    ['it is the first and no creation', () => forged([started()]), /wrong place/],
    ['a task is created twice', () => forged([created()], [created()]), /wrong place/],
    [
      'no release knows it',
      () => forged([Object.assign(started(), { type: 'X' })]),
      /not known here/,
    ],
    [
      'a newer release wrote it',
      () => [
        rewritten(
          first(),
          ({ data, metadata }) => ({
            data,
            metadata: metadata.replace('"version":1', '"version":9'),
          }),
          9,
        ),
      ],
      /newer release/,
    ],
    [
      'another log would store its text otherwise',
      () => [rewritten(first(), ({ data, metadata }) => ({ data: ` ${data}`, metadata }))],
      /not as a log keeps it/,
    ],
    [
      'its actor is missing',
      () => [
        rewritten(first(), ({ data, metadata }) => ({
          data,
          metadata: metadata.replace('"actor"', '"actress"'),
        })),
      ],
      /lacks metadata/,
    ],
    [
      'no clock can tell its time',
      () => forged([created(), { timestamp: Number.MAX_SAFE_INTEGER }]),
      /lacks metadata/,
    ],
    ['it cannot follow', () => forged([created()], [progressed()]), /cannot happen to a task/],
    [
      'it is older than the one before',
      () => forged([created()], [started(), { ...RUNNING, timestamp: 1 }]),
      /older than/,
    ],
    [
      'it is nested too deep',
      () => forged([created({ data: JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) as Json })]),
      /nested deeper/,
    ],
    [
      'it is too large',
      () => forged([created({ idempotencyKey: 'x'.repeat(600_000) })]),
      /is larger/,
    ],
    [
      'it reports progress that is none',
      () => forged([created()], [started(), RUNNING], [progressed('much'), RUNNING]),
      /whose progress/,
    ],
    [
      'its question has no approvers',
      () => forged([created()], [started(), RUNNING], [asked(), { ...RUNNING, status: WAITING }]),
      /whose approval/,
    ],
    ['its id is no UUID', () => [{ ...first()!, id: 'x' }], /no UUID/],
    [
      'one is missing before it',
      () => forged([created()], [started()]).slice(1),
      /revision 0 is due/,
    ],
  ];
  it.each(refused)('is refused when %s, and named', (_, events, why) => {
    const all = events();
    expect(() => take(all)).toThrow(why);
    expect(() => take(all)).toThrow(`(${STREAM}, revision ${all.at(-1)!.revision})`);
  });

  it('is named in few words, however long it says that it is', () => {
    const [event] = forged([Object.assign(created(), { type: 'X'.repeat(100_000) })]);
    try {
      take([event!]);
    } catch (error) {
      expect(JSON.stringify([error, (error as Error).message]).length).toBeLessThan(1_000);
    }
    expect.assertions(1);
  });

  it.each<[field: string, data: object]>([
    ['name', { name: 5 }],
    ['name', { name: 'x'.repeat(501) }],
    ['name', { name: undefined }],
    ['runBy', { runBy: 'nobody' }],
    ['persistent', { persistent: 'yes' }],
    ['maxRetries', { maxRetries: -1 }],
    ['retryDelayMs', { retryDelayMs: {} }],
    ['backoff', { backoff: null }],
    ['backoff', { backoff: { type: 'fixed', more: 1 } }],
    ['priority', { priority: 'high' }],
    ['labels', { labels: null }],
    ['labels', { labels: { a: { b: 1 } } }],
    ['timeouts', { timeouts: 7 }],
    ['timeouts', { timeouts: { queueMs: 'long' } }],
    ['runAt', { runAt: 8.64e15 + 1 }],
    ['input', { input: 'x'.repeat(200_000) }],
    ['idempotencyKey', { idempotencyKey: [] }],
    ['approval', { approval: {} }],
    ['createdBy', { createdBy: { id: 'ann', roles: [], verified: true } }],
    ['revision', { revision: 7 }],
    ['surprise', { surprise: true }],
  ])('is refused when it creates a task with an odd %s', (field, data) => {
    const all = forged([created(data)]);
    expect(() => take(all)).toThrow(`whose ${field} no event`);
  });

  /** A refusal that somebody wrote himself. */
  const refusal = (metadata: Partial<Metadata>): ExportedEvent => {
    const { original } = REFUSALS!;
    const { actor } = METADATA;
    const told = { command: 'pause_task', actor, code: 'FORBIDDEN', reason: 'no' } as const;
    const stored = { ...METADATA, ...metadata };
    const event = new CommandRefused(told);
    const { text } = encodeEvent(EMPTY_CHAIN, original, COMMAND_ID, event, stored);
    return { stream: original, revision: 0, ...text };
  };

  it.each([
    ['of another app', () => take(forged([created()])), { appName: 'bank' }],
    ['of another type', () => take(forged([created()])), { taskType: 'x' }],
    ['of a task of which nothing has come', () => NOTHING_YET, {}],
  ])('is no refusal %s', (_, before, metadata) => {
    const take = () => withEvent(before(), TASK_ID, REFUSALS!, refusal(metadata));
    expect(take).toThrow(/whose events come first/);
  });

  it('is a refusal of its task', () => {
    const { refusals } = withEvent(take(forged([created()])), TASK_ID, REFUSALS!, refusal({}));
    expect(refusals.revision).toBe(0);
  });
});
