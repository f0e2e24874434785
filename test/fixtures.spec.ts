import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { formatPosition } from '@taskmanager/protocol';
import {
  ADMIN_EVENT_CLASSES,
  adminEventRegistry,
  type EventMetadata,
  IMPORT_EVENT_CLASSES,
  importEventRegistry,
  IMPORTS_STREAM,
  REFUSAL_EVENT_CLASSES,
  TASK_EVENT_CLASSES,
  TASK_TYPE_EVENT_CLASSES,
  TASK_TYPES_STREAM,
  ADMIN_STREAM,
  type TaskEvent,
  decodeTaskEvent,
  encodeEvent,
  refusalEventRegistry,
  taskTypeEventRegistry,
  taskIdOfStream,
} from '../src/events/index.js';
import { type Task, evolve, evolveTaskType } from '../src/task/index.js';

/**
 * Stored examples of every version of every event, text for text as a log holds them. From the first
 * release on they are never edited: whoever changes the shape of an event adds a version, its upcaster
 * and its example, and the old ones must still read.
 */
interface Fixture {
  readonly stream: string;
  readonly revision: number;
  /** The hash of the event before it in its stream. */
  readonly previousHash: string;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

const FOLDER = new URL('./fixtures/events/', import.meta.url);
const load = (name: string): Fixture =>
  JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as Fixture;

const CLASSES = [
  ...TASK_EVENT_CLASSES,
  ...TASK_TYPE_EVENT_CLASSES,
  ...IMPORT_EVENT_CLASSES,
  ...ADMIN_EVENT_CLASSES,
  ...REFUSAL_EVENT_CLASSES,
];
const VERSIONS = CLASSES.flatMap(({ type, version }) =>
  Array.from({ length: version }, (_, n) => ({ type, version: n + 1, present: n + 1 === version })),
);

const isOfTypes = ({ stream }: Fixture): boolean => stream === TASK_TYPES_STREAM;
const isImport = ({ stream }: Fixture): boolean => stream === IMPORTS_STREAM;
const isAdmin = ({ stream }: Fixture): boolean => stream === ADMIN_STREAM;
const isRefusal = ({ stream }: Fixture): boolean => stream.startsWith('refused-');
const metadataOf = ({ metadata }: Fixture): EventMetadata => JSON.parse(metadata) as EventMetadata;

const recordOf = (fixture: Fixture) => ({
  ...fixture,
  revision: BigInt(fixture.revision),
  position: formatPosition('0'.repeat(8), 1),
});
const stored = (fixture: Fixture) => decodeTaskEvent(recordOf(fixture));
const storedOfTypes = (fixture: Fixture) => taskTypeEventRegistry.decode(recordOf(fixture));

function revived(fixture: Fixture): TaskEvent {
  if (isOfTypes(fixture)) return storedOfTypes(fixture).event;
  if (isImport(fixture)) return importEventRegistry.decode(recordOf(fixture)).event;
  if (isAdmin(fixture)) return adminEventRegistry.decode(recordOf(fixture)).event;
  if (isRefusal(fixture)) return refusalEventRegistry.decode(recordOf(fixture)).event;
  return stored(fixture).event;
}

test('every version of every event has an example, and no example is of anything else', () => {
  const examples = readdirSync(FOLDER).sort();
  expect(examples).toEqual(VERSIONS.map(({ type, version }) => `${type}.v${version}.json`).sort());
});

describe.each(VERSIONS)('$type version $version', ({ type, version, present }) => {
  const fixture = load(`${type}.v${version}`);

  test('reads as the event that the present code knows', () => {
    expect(fixture.type).toBe(type);
    expect(metadataOf(fixture).version).toBe(version);
    const event = revived(fixture);
    expect(event).toMatchObject({ type, version: CLASSES.find((c) => c.type === type)?.version });
  });

  test('has no field that another store would give back in another form', () => {
    for (const text of [fixture.data, fixture.metadata]) {
      expect(JSON.stringify(JSON.parse(text))).toBe(text);
    }
  });

  if (present) {
    test('is written today to the very same text, hash and all', () => {
      // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the encoder writes these two
      const { hash, version: _version, ...metadata } = metadataOf(fixture);
      const chain = { revision: fixture.revision - 1, hash: fixture.previousHash };
      const { text } = encodeEvent(chain, fixture.stream, fixture.id, revived(fixture), metadata);
      const { id, data } = fixture;
      expect(text).toEqual({ id, type, data, metadata: fixture.metadata });
    });
  }

  if (isOfTypes(fixture)) {
    test('changes the rule of its type', () => {
      const before = { taskType: 'clone', paused: { by: 'x', at: 1 }, maxRunning: 9 };
      const changed = {
        TaskTypePaused: {
          paused: { by: 'alice', at: 1_700_000_000_000, reason: 'The host is moving.' },
        },
        TaskTypeResumed: { paused: undefined },
        TaskTypeLimited: { maxRunning: 3 },
      }[type];
      const after = evolveTaskType(before, storedOfTypes(fixture));
      expect(after).toEqual({ ...before, ...changed });
    });
  }

  if (!isRefusal(fixture) && !isAdmin(fixture) && !isOfTypes(fixture) && !isImport(fixture)) {
    test('changes a task to the status that stands beside it', () => {
      const taskId = taskIdOfStream(fixture.stream);
      const before = histories(type).reduce<Task | undefined>(
        (task, name) => evolve(task, stored(load(name))),
        undefined,
      );
      const after = evolve(before, stored(fixture));
      expect(after).toMatchObject({
        id: taskId,
        revision: fixture.revision,
        status: metadataOf(fixture).status,
        attempt: metadataOf(fixture).attempt,
        updatedAt: metadataOf(fixture).timestamp,
      });
    });
  }
});

/** The examples that come before this one in its task. */
function histories(type: string): string[] {
  const started = ['TaskCreated.v1', 'TaskStarted.v1'];
  switch (type) {
    case 'TaskCreated':
      return [];
    case 'TaskStarted':
      return ['TaskCreated.v1'];
    case 'TaskPauseAcknowledged':
    case 'TaskResumed':
      return [...started, 'TaskPaused.v1'];
    case 'ApproversNotified':
    case 'TaskApprovalGiven':
    case 'TaskApproved':
    case 'TaskRejected':
    case 'TaskApprovalExpired':
      return [...started, 'TaskApprovalRequested.v1'];
    case 'TaskRetryScheduled':
    case 'TaskRetried':
      return [...started, 'TaskFailed.v1'];
    case 'TaskCancelAcknowledged':
    case 'TaskDeleted':
      return [...started, 'TaskCancelled.v1'];
    default:
      return started;
  }
}
