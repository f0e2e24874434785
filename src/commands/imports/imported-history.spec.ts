import { describe, expect, it } from '@jest/globals';
import type { ExportedEvent } from '@taskmanager/protocol';
import { created, started, TASK_ID } from '../../../test/given.js';
import {
  type ChainEnd,
  chainHash,
  EMPTY_CHAIN,
  encodeEvent,
  type EventMetadata,
  splitHash,
  type TaskEvent,
  taskStream,
  withHash,
} from '../../events/index.js';
import { type ImportedHistory, NOTHING_YET, partsOf, withEvent } from './imported-history.js';

const [EVENTS] = partsOf(TASK_ID);
const STREAM = taskStream(TASK_ID);
const COMMAND_ID = '0190a5a0-0000-5000-8000-000000000010';

type Metadata = Omit<EventMetadata, 'version' | 'hash'>;

const METADATA: Metadata = {
  ...{ timestamp: 1_700_000_000_000, actor: { id: 'eve', roles: [], verified: false } },
  ...{ commandId: COMMAND_ID, $correlationId: 'c', $causationId: 'c', transport: 'tcp' },
  ...{ taskType: 'publish', appName: 'registry', status: 'pending', attempt: 0 },
};

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
});
