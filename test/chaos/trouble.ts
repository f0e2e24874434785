import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../crash/random.js';
import type {
  AppendFault,
  FaultStatus,
  ReadFault,
  SpawnedEventStoreDbServer,
} from '../eventstoredb-server/index.js';

type Server = SpawnedEventStoreDbServer;
/** Makes one trouble, lasts as long as that does, and leaves the server well. */
type Trouble = (server: Server, random: Random) => Promise<void>;

/** Longer than a call to the log may take, so that some of them have to be given up; milliseconds. */
const LONGEST_MS = 5_000;
const UNAVAILABLE: FaultStatus = { status: 'UNAVAILABLE', details: 'the chaos run' };
const CUT: FaultStatus = { status: 'INTERNAL', details: 'Received RST_STREAM with code 2' };

/** Most are short and some are long: both ends of each time limit are met. */
const lasting = (random: Random) =>
  delay(random.chance(0.3) ? random.int(2_000, LONGEST_MS) : random.int(50, 1_500));

const appends =
  (fault: (random: Random) => AppendFault): Trouble =>
  async (server, random) => {
    await server.setFault({ appends: fault(random) });
    await lasting(random);
    await server.clearFaults();
  };

const reads =
  (fault: (random: Random) => ReadFault, also: 'reads' | 'both' = 'reads'): Trouble =>
  async (server, random) => {
    const made = fault(random);
    await server.setFault({ reads: made, ...(also === 'both' ? { subscriptions: made } : {}) });
    if (also === 'both') await server.failSubscriptions(UNAVAILABLE);
    await lasting(random);
    await server.clearFaults();
  };

const some = (random: Random): number => random.int(1, 40);

/** Names as the figures show them. */
const TROUBLES = {
  kill: async (server, random) => {
    await server.kill();
    await lasting(random);
    await server.restart();
  },
  restart: (server) => server.restart(),
  shutdown: async (server, random) => {
    await server.shutdown();
    await lasting(random);
    await server.restart();
  },
  freeze: async (server, random) => {
    server.freeze();
    await lasting(random);
    server.thaw();
  },
  'freeze and kill': async (server, random) => {
    server.freeze();
    await lasting(random);
    await server.restart();
  },
  'end subscriptions': (server) => server.endSubscriptions(),
  'fail subscriptions': (server) => server.failSubscriptions(UNAVAILABLE),
  'too slow': (server) => server.failSubscriptionsAsTooSlow(),
  'fail reads': (server) => server.failReads(CUT),
  'fail appends under way': (server, random) =>
    server.failBatchAppends(random.pick([UNAVAILABLE, CUT])),
  'lose answers': appends((random) => ({ kind: 'lose-answer', times: some(random) })),
  'lose all answers': appends(() => ({ kind: 'lose-answer' })),
  'drop appends': appends((random) => ({ kind: 'drop', times: some(random) })),
  'late appends': appends((random) => ({ kind: 'delay', milliseconds: random.int(10, 3_000) })),
  // They come about when those who sent them have been told that nobody knows.
  'cut late appends': async (server, random) => {
    await server.setFault({ appends: { kind: 'delay', milliseconds: random.int(500, 4_000) } });
    await delay(random.int(100, 300));
    await server.failBatchAppends(CUT);
    await server.clearFaults();
    await lasting(random);
  },
  'late answers': appends((random) => ({
    kind: 'delay-answer',
    milliseconds: random.int(10, 3_000),
  })),
  'refuse appends': appends((random) => ({
    kind: 'refuse',
    error: random.pick(['timeout', 'unknown', 'not-ready'] as const),
    written: random.chance(0.5),
    times: some(random),
  })),
  'fail appends': appends((random) => ({
    kind: 'fail',
    written: random.chance(0.5),
    times: random.int(1, 4),
    ...random.pick([UNAVAILABLE, CUT]),
  })),
  'drop reads': reads((random) => ({ kind: 'drop', times: some(random) })),
  'slow reads': reads(() => ({ kind: 'slow', milliseconds: 20 }), 'both'),
  'late reads': reads((random) => ({ kind: 'delay', milliseconds: random.int(10, 3_000) }), 'both'),
  'broken reads': reads(
    (random) => ({ kind: 'fail', events: random.int(0, 20), times: some(random), ...CUT }),
    'both',
  ),
} satisfies Record<string, Trouble>;

export type TroubleName = keyof typeof TROUBLES;
const NAMES = Object.keys(TROUBLES) as TroubleName[];

/** All kinds in an order by chance, again and again: also a short run meets many of them. */
export function* drawTroubles(random: Random): Generator<TroubleName, never> {
  for (;;) yield* random.shuffled(NAMES);
}

export function makeTrouble(name: TroubleName, server: Server, random: Random): Promise<void> {
  return TROUBLES[name](server, random);
}
