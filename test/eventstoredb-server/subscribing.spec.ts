import { expect, test } from '@jest/globals';
import {
  type AllStreamSubscription,
  END,
  type Position,
  START,
  type StreamSubscription,
  eventTypeFilter,
  excludeSystemEvents,
  streamNameFilter,
} from '@eventstore/db-client';
import { once } from 'node:events';
import { endOfLog, events, withServer } from './with-server.js';

const using = withServer();
type Subscription = AllStreamSubscription | StreamSubscription;

/** Takes what comes until `last` came; the words of the subscription are written as (confirmation). */
async function take(subscription: Subscription, last: string): Promise<string[]> {
  const seen: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const see = (what: string): void => {
      seen.push(what);
      if (what === last) resolve();
    };
    subscription.on('confirmation', () => see('(confirmation)'));
    subscription.on('caughtUp', () => see('(caught up)'));
    subscription.on('error', reject);
    subscription.on('data', ({ event }: { event?: { type: string } }) => see(event?.type ?? ''));
  });
  return seen;
}

test('a subscription to a stream is confirmed, catches up and goes live', async () => {
  await using.client.appendToStream('s', events('A', 'B'));
  const subscription = using.client.subscribeToStream('s');
  const live = take(subscription, 'C');
  await once(subscription, 'caughtUp');
  await using.client.appendToStream('other', events('X'));
  await using.client.appendToStream('s', events('C'));
  // Data comes out of the client a turn after the words about it.
  expect((await live).filter((what) => !what.startsWith('('))).toEqual(['A', 'B', 'C']);
  await subscription.unsubscribe();
  await using.server.calls.until((calls) => calls.of('subscribe').open === 0);
});

test('a subscription to a stream begins after its revision', async () => {
  await using.client.appendToStream('s', events('A', 'B', 'C'));
  const subscription = using.client.subscribeToStream('s', { fromRevision: 0n });
  expect(await take(subscription, 'C')).toEqual(expect.not.arrayContaining(['A']));
  await subscription.unsubscribe();
});

test('a subscription from the end sees only what comes', async () => {
  await using.client.appendToStream('s', events('A'));
  const subscription = using.client.subscribeToStream('s', { fromRevision: END });
  const seen = take(subscription, 'B');
  await once(subscription, 'caughtUp');
  await using.client.appendToStream('s', events('B'));
  expect(await seen).not.toContain('A');
  await subscription.unsubscribe();
});

test('a subscription waits for a stream that is not there', async () => {
  const subscription = using.client.subscribeToStream('s');
  const seen = take(subscription, 'A');
  await once(subscription, 'caughtUp');
  await using.client.appendToStream('s', events('A'));
  expect(await seen).toContain('A');
  await subscription.unsubscribe();
});

test('a subscription to $all sees all streams in the order of the log, from the start', async () => {
  await using.client.appendToStream('s-1', events('A'));
  await using.client.appendToStream('s-2', events('B'));
  await using.client.appendToStream('s-1', events('C'));
  const subscription = using.client.subscribeToAll({ fromPosition: START });
  const seen = (await take(subscription, 'C')).filter((what) => !what.startsWith('('));
  expect(seen[0]).toBe('$metadata');
  expect(seen.slice(-3)).toEqual(['A', 'B', 'C']);
  await subscription.unsubscribe();
});

test('a subscription to $all begins after its position', async () => {
  const { position } = await using.client.appendToStream('s', events('A'));
  await using.client.appendToStream('s', events('B'));
  const subscription = using.client.subscribeToAll({ fromPosition: position! });
  const seen = (await take(subscription, 'B')).filter((what) => !what.startsWith('('));
  expect(seen).toEqual(['B']);
  await subscription.unsubscribe();
});

test.each([
  ['prefixes of streams', streamNameFilter({ prefixes: ['task-', 'run-'] }), ['A', 'R', 'Last']],
  ['a regex on streams', streamNameFilter({ regex: '^(task|run)-\\d' }), ['A', 'R', 'Last']],
  ['prefixes of types', eventTypeFilter({ prefixes: ['A', 'L'] }), ['A', 'Last']],
  ['a regex on types', eventTypeFilter({ regex: '^[AR]$|Last' }), ['A', 'R', 'Last']],
  ['no system events', excludeSystemEvents(), ['A', 'X', 'R', 'Last']],
])('a filter by %s', async (_name, filter, expected) => {
  await using.client.appendToStream('task-1', events('A'));
  await using.client.appendToStream('other', events('X'));
  await using.client.appendToStream('run-1', events('R'));
  await using.client.appendToStream('task-2', events('Last'));
  const subscription = using.client.subscribeToAll({ fromPosition: START, filter });
  const seen = (await take(subscription, 'Last')).filter((what) => !what.startsWith('('));
  expect(seen).toEqual(expected);
  await subscription.unsubscribe();
});

test('checkpoints come for events considered, sent or not, and when it goes live', async () => {
  const fromPosition = await endOfLog(using.client);
  const appended: bigint[] = [];
  for (let number = 0; number < 7; number += 1) {
    const { position } = await using.client.appendToStream('other', events('X'));
    appended.push(position!.commit);
  }
  const checkpoints: Position[] = [];
  const filter = streamNameFilter({
    prefixes: ['task-'],
    maxSearchWindow: 2,
    checkpointInterval: 1,
    checkpointReached: async (_subscription, position) => void checkpoints.push(position),
  });
  const subscription = using.client.subscribeToAll({ fromPosition, filter });
  await once(subscription, 'caughtUp');
  expect(checkpoints.map(({ commit }) => commit)).toEqual([
    appended[1],
    appended[3],
    appended[5],
    appended[6],
  ]);

  const live = take(subscription, 'A');
  await using.client.appendToStream('other', events('X', 'X'));
  const { position } = await using.client.appendToStream('task-1', events('A'));
  await live;
  expect(checkpoints).toHaveLength(5);
  expect(checkpoints[4]!.commit).toBeLessThan(position!.commit);
  await subscription.unsubscribe();
});

test('without a filter there are no checkpoints, and a checkpoint resumes without a gap', async () => {
  const checkpoints: Position[] = [];
  const filter = streamNameFilter({
    prefixes: ['task-'],
    maxSearchWindow: 1,
    checkpointReached: async (_subscription, position) => void checkpoints.push(position),
  });
  await using.client.appendToStream('task-1', events('A', 'B', 'C'));
  const first = using.client.subscribeToAll({ fromPosition: START, filter });
  await once(first.resume(), 'caughtUp');
  await first.unsubscribe();
  const atB = checkpoints.at(-3)!;
  const second = using.client.subscribeToAll({ fromPosition: atB, filter });
  const seen = (await take(second, 'C')).filter((what) => !what.startsWith('('));
  expect(seen).toEqual(['C']);
  await second.unsubscribe();
});

test('a live subscription that falls behind says so and catches up again', async () => {
  const subscription = using.client.subscribeToAll({ fromPosition: END });
  await once(subscription.resume(), 'caughtUp');
  const words: string[] = [];
  subscription.on('fellBehind', () => words.push('fell behind'));
  const again = new Promise<void>((resolve) =>
    subscription.on('caughtUp', () => {
      words.push('caught up');
      resolve();
    }),
  );
  await using.client.appendToStream('s', events(...Array<string>(100).fill('A')));
  await again;
  expect(words).toEqual(['fell behind', 'caught up']);
  await subscription.unsubscribe();
});
