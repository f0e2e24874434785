import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  ADMIN_NAMES,
  adminSubject,
  COMMAND_NAMES,
  commandSubject,
  ERROR_CODES,
  QUERY_NAMES,
  querySubject,
} from '@taskmanager/protocol';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getMetadataStorage } from 'class-validator';
import fc from 'fast-check';
import { MESSAGES } from '../src/messages.js';
import { type Broker, startBroker } from './nats.js';
import { type ServiceProcess, spawnService } from './service.js';
import { frame, RawTcp, type RawReply } from './transport-raw.js';

/** Ten thousand requests that nobody should send, to the built service as a process of its own. */

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const MAX_RSS = 700 * 1024 * 1024;
const LONG_MS = 240_000;

let broker: Broker;
let service: ServiceProcess;
let client: RawTcp;
let nc: NatsConnection;
let cases = 0;
/** How many came through to an answer: a test that only ever meets the first check shows little. */
let accepted = 0;

beforeAll(async () => {
  process.stderr.write(`bad input: FUZZ_SEED=${SEED}\n`);
  broker = await startBroker();
  service = await spawnService({ NATS_URL: broker.url, LOG_LEVEL: 'error' });
  nc = await connect({ servers: broker.url });
  client = await RawTcp.connect(service.port);
  while (await natsRequest('tasks.query.task_stats', '{}').then(noResponders, () => true)) {
    // The service tells in its log when NATS serves; a caller finds out by asking.
  }
}, 30_000);

afterAll(async () => {
  await client.end();
  await nc.close();
  const code = await service.stop();
  service.forget();
  await broker.stop();
  process.stderr.write(`bad input: ${cases} cases, ${accepted} of them accepted over TCP\n`);
  expect(code).toBe(0);
  expect(cases).toBeGreaterThanOrEqual(10_000);
  expect(accepted).toBeGreaterThan(50);
}, 30_000);

const noResponders = (): boolean => false;

const json = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as unknown);
const odd = fc.oneof(
  json,
  fc.constantFrom<unknown>(
    null,
    '',
    0,
    -1,
    -0,
    1.5,
    1e308,
    2 ** 53,
    true,
    [],
    {},
    [[]],
    'x'.repeat(600),
    '\u0000',
    '\ud800',
    '../../etc/passwd',
    "'; DROP TABLE events; --",
    'NaN',
    [null],
    { length: 1e9 },
    { toString: 'x' },
    JSON.parse('{"__proto__":{"polluted":true}}'),
    JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
  ),
  fc
    .integer({ min: 1, max: 300 })
    .map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown),
  fc.integer({ min: 1, max: 60_000 }).map((length) => 'x'.repeat(length)),
);

const id = randomUUID();
/** Fields that some message or other has, with values that are right somewhere. */
const GOOD: Readonly<Record<string, unknown>> = {
  id,
  name: 'n',
  taskType: 'copy',
  appName: 'a',
  runBy: 'app',
  data: { a: 1 },
  input: [1],
  persistent: true,
  maxRetries: 1,
  retryDelayMs: 5,
  backoff: { type: 'fixed' },
  priority: 1,
  labels: { a: 'b' },
  timeouts: { runMs: 1_000 },
  runAt: 5,
  idempotencyKey: 'k',
  status: 'running',
  error: 'e',
  result: 1,
  reason: 'r',
  completedItems: 1,
  totalItems: 2,
  progress: 3,
  message: 'm',
  workerId: 'w',
  leaseMs: 5_000,
  leaseEpoch: 1,
  retryable: true,
  force: true,
  approvers: ['a'],
  quorum: 1,
  allowSelf: true,
  onApproved: 'resume',
  comment: 'c',
  taskTypes: ['copy'],
  maxRunning: 2,
  limit: 2,
  statuses: ['completed'],
  maxAgeMs: 5,
  sort: 'name',
  order: 'asc',
  cursor: 'x',
  text: 'abc',
  from: 'start',
  events: ['created'],
  fromRevision: 0,
  direction: 'forwards',
  checkpoint: 1,
  commands: [],
  taskIds: [id],
  meta: { commandId: randomUUID() },
};
const META = [
  'token',
  'actor',
  'commandId',
  'correlationId',
  'causationId',
  'retry',
  'after',
  '__proto__',
  'x',
];

const subject = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...COMMAND_NAMES.map(commandSubject),
      ...QUERY_NAMES.map(querySubject),
      ...ADMIN_NAMES.map(adminSubject),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'tasks.command.x',
      'tasks.query.toString',
      'tasks.admin.x',
      'tasks.command.batch.x',
    ),
  },
);

/** The fields of each message, so that some requests come as far as its handler. */
const FIELDS_OF = new Map<string, readonly string[]>(
  [
    ...MESSAGES.commands,
    ...MESSAGES.queries,
    ...MESSAGES.admin.commands,
    ...MESSAGES.admin.queries,
  ].map((type) => {
    const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
    return [type.message, [...new Set(rules.map(({ propertyName }) => propertyName))]];
  }),
);

/** Right fields of one message, and now and then wrong ones, and some that nobody knows. */
const fieldsOf = (names: readonly string[]) =>
  fc
    .record({
      left: fc.oneof(fc.constant<string[]>([]), fc.subarray([...names])),
      wrong: fc.array(fc.tuple(fc.constantFrom(...(names.length > 0 ? names : ['x'])), odd), {
        maxLength: 2,
      }),
      unknown: fc.array(
        fc.tuple(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')), odd),
        { maxLength: 1 },
      ),
      meta: fc.option(fc.array(fc.tuple(fc.constantFrom(...META), odd), { maxLength: 2 }), {
        freq: 2,
      }),
    })
    .map(({ left, wrong, unknown, meta }) => {
      const right = names.filter((name) => name in GOOD && !left.includes(name));
      const pairs = [...right.map((name) => [name, GOOD[name]] as const), ...wrong, ...unknown];
      if (meta) pairs.push(['meta', own(meta)]);
      return own(pairs);
    });

const batch = fc
  .array(
    fc.constantFrom(...MESSAGES.commands).chain(({ message }) =>
      fc.record(
        {
          command: fc.constantFrom<unknown>(message, message, message, 7),
          args: fieldsOf(FIELDS_OF.get(message) ?? []),
          meta: odd,
          x: odd,
        },
        { requiredKeys: ['command', 'args'] },
      ),
    ),
    { maxLength: 8 },
  )
  .map((commands) => ({ commands }));

/** A message and what is sent to it. */
const request = subject.chain((to) => {
  const name = to.slice(to.lastIndexOf('.') + 1);
  const fields = name === 'batch' ? batch : fieldsOf(FIELDS_OF.get(name) ?? []);
  return fc.tuple(
    fc.constant(to),
    fc.oneof({ weight: 9, arbitrary: fields }, { weight: 1, arbitrary: odd }),
  );
});

/** An object with these own fields, `__proto__` among them as JSON.parse would make it. */
function own(pairs: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [name, value] of pairs) {
    Object.defineProperty(object, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}

function expectStructured(reply: RawReply): void {
  if (!reply.err) return;
  const { code, message, correlationId } = reply.err;
  expect(ERROR_CODES).toContain(code);
  // Bad input is the sender's fault, whatever it is.
  expect({ code, message, correlationId }).not.toMatchObject({ code: 'INTERNAL' });
  expect(message).not.toMatch(/\bat .*\.[jt]s:\d/);
  expect(message.length).toBeLessThan(20_000);
  expect(correlationId).toEqual(expect.any(String));
}

/** The error's code, also of the only command of a batch. */
function refusalIn({ err, response }: RawReply): string | undefined {
  const { results = [] } = (response ?? {}) as { results?: { error?: { code: string } }[] };
  return err?.code ?? results[0]?.error?.code;
}

async function stillWell(): Promise<void> {
  expect(await client.request('tasks.query.task_stats', {})).toHaveProperty('response');
  expect(service.child.exitCode).toBeNull();
  expect(residentBytes(service.child.pid)).toBeLessThan(MAX_RSS);
}

function residentBytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

async function natsRequest(to: string, bytes: string | Uint8Array): Promise<RawReply> {
  return (await nc.request(to, bytes, { timeout: 10_000 })).json<RawReply>();
}

async function check(
  arbitraries: Parameters<typeof fc.asyncProperty>[0],
  runs: number,
  test: (value: never) => Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(arbitraries, async (value) => {
    cases += 1;
    await test(value as never);
  });
  await fc.assert(property, { seed: SEED, numRuns: runs, endOnFailure: true });
  await stillWell();
}

/** Sends bytes on a connection of their own; whatever comes back must be frames of ours. */
async function exchange(parts: readonly (string | Buffer)[]): Promise<readonly RawReply[]> {
  const one = await RawTcp.connect(service.port);
  for (const part of parts) one.write(part);
  one.socket.end();
  await one.closed;
  return one.replies;
}

describe('Over TCP', () => {
  it(
    'every odd request is answered in the one shape of errors, or as what it is',
    async () => {
      await check(request, 4_000, async ([to, data]: [string, unknown]) => {
        const reply = await client.request(to, data);
        expectStructured(reply);
        if (!reply.err) accepted += 1;
      });
    },
    LONG_MS,
  );

  it(
    'an odd packet is answered, or its connection closed',
    async () => {
      const packet = fc.record(
        { id: odd, pattern: fc.oneof(subject, odd), data: odd, isDisposed: odd, metadata: odd },
        { requiredKeys: [] },
      );
      await check(packet, 1_000, async (value: object) => {
        for (const reply of await exchange([frame(value)])) expectStructured(reply);
      });
    },
    LONG_MS,
  );

  it(
    'bytes that are no frames are told so and the connection is closed',
    async () => {
      const good = Buffer.from(frame({ id: '1', pattern: 'tasks.query.task_stats', data: {} }));
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
        fc.string({ maxLength: 300 }).map((text) => Buffer.from(text)),
        // A good frame, cut off, or with one byte changed, or with a wrong length.
        fc.nat(good.length).map((length) => good.subarray(0, length)),
        fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
          const copy = Buffer.from(good);
          copy[at] = byte;
          return copy;
        }),
        fc
          .tuple(fc.bigInt({ min: -9n, max: 10n ** 12n }), json)
          .map(([length, value]) => Buffer.from(`${length}#${JSON.stringify(value)}`)),
      );
      await check(
        fc.array(bytes, { minLength: 1, maxLength: 3 }),
        2_500,
        async (parts: Buffer[]) => {
          for (const reply of await exchange(parts)) expectStructured(reply);
        },
      );
    },
    LONG_MS,
  );

  it(
    'nesting without end is no harm',
    async () => {
      for (const depth of [1_000, 10_000, 100_000, 450_000]) {
        for (const [open, close] of [
          ['[', ']'],
          ['{"a":', '}'],
        ] as const) {
          if (open.length * depth + depth > 1_000_000) continue;
          const deep = `${open.repeat(depth)}1${close.repeat(depth)}`;
          for (const data of [
            deep,
            `{"id":"${id}","data":${deep}}`,
            `{"meta":${deep}}`,
            `{"commands":[${deep}]}`,
          ]) {
            for (const name of ['update_task_data', 'batch']) {
              cases += 1;
              const key = `deep-${cases}`;
              client.write(
                frame(`{"id":"${key}","pattern":"tasks.command.${name}","data":${data}}`),
              );
              expect(refusalIn(await client.replyTo(key))).toBe('VALIDATION_FAILED');
            }
          }
        }
      }
      await stillWell();
    },
    LONG_MS,
  );

  it(
    'frames that are oversized or never end are cut off, in bounded memory',
    async () => {
      const chunk = 'x'.repeat(256 * 1024);
      for (const head of ['', '2000000#', '99999999#', '1048577#"', '2097152#{"id":"1","data":"']) {
        for (let round = 0; round < 12; round++) {
          cases += 1;
          const one = await RawTcp.connect(service.port);
          one.write(head);
          // Goes on until it is cut off; at the latest when the declared length is there.
          for (let sent = 0; sent < 16 && !one.socket.destroyed; sent++) one.write(chunk);
          one.socket.end();
          await one.closed;
          for (const reply of one.replies) expectStructured(reply);
        }
        await stillWell();
      }
    },
    LONG_MS,
  );

  it(
    'many half frames at once are bounded together',
    async () => {
      const many = await Promise.all(
        Array.from({ length: 150 }, () => RawTcp.connect(service.port)),
      );
      for (const one of many) one.write(`1900000#${'x'.repeat(1_800_000)}`);
      await Promise.race(many.map((one) => one.closed));
      await stillWell();
      await Promise.all(many.map((one) => one.end()));
    },
    LONG_MS,
  );
});

describe('Over NATS', () => {
  it(
    'every odd request is answered in the one shape of errors, or as what it is',
    async () => {
      await check(
        fc.tuple(request, fc.boolean()),
        2_000,
        async ([[to, data], bare]: [[string, unknown], boolean]) => {
          expectStructured(await natsRequest(to, JSON.stringify(bare ? data : { id: '1', data })));
        },
      );
    },
    LONG_MS,
  );

  it(
    'and so are bytes of any kind',
    async () => {
      const good = Buffer.from(JSON.stringify({ id: '1', data: { id } }));
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string().map((text) => Buffer.from(text)),
        fc.nat(good.length).map((length) => good.subarray(0, length)),
        odd.map((value) => Buffer.from(JSON.stringify({ id: value, data: value }))),
      );
      await check(fc.tuple(subject, bytes), 1_000, async ([to, value]: [string, Uint8Array]) => {
        expectStructured(await natsRequest(to, value));
      });
    },
    LONG_MS,
  );

  it(
    'nesting without end is no harm',
    async () => {
      for (const depth of [1_000, 100_000, 450_000]) {
        cases += 1;
        const deep = '['.repeat(depth) + ']'.repeat(depth);
        const reply = await natsRequest(
          'tasks.command.update_task_data',
          `{"id":"1","data":{"id":"${id}","data":${deep}}}`,
        );
        expect(reply.err?.code).toBe('VALIDATION_FAILED');
      }
      await stillWell();
    },
    LONG_MS,
  );
});
