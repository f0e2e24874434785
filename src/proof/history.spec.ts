import { beforeEach, describe, expect, it } from '@jest/globals';
import type { JobProgress, Position } from '@taskmanager/protocol';
import type { EventLog } from '../event-store/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { v7 } from 'uuid';
import type { ImportedTask } from '../commands/imported-tasks.port.js';
import {
  type DatedChainEnd,
  EMPTY_CHAIN,
  encodeEvent,
  ProgressUpdated,
  TaskImportBegun,
  TaskImported,
  TaskStarted,
  type TaskEvent,
  taskStream,
} from '../events/index.js';
import { JobAborted, type JobWork } from '../jobs/index.js';
import { TaskLog } from '../projections/task-log.fixture.js';
import { sealHistory } from './history-seal.js';
import { HistoryWitness, type WitnessedHead } from './history-witness.port.js';
import { verifyTaskHistory } from './task-history.js';
import { verifyWholeHistory } from './whole-history.js';

const METADATA = {
  ...{ timestamp: 1, actor: { id: 'ann', roles: [], verified: true }, commandId: 'c' },
  ...{ $correlationId: 'c', $causationId: 'c', transport: 'tcp' },
} as const;

/** Remembers every stream of a log as it was once. */
class Witness extends HistoryWitness {
  private constructor(private readonly known: readonly WitnessedHead[]) {
    super();
  }

  static async of(log: EventLog): Promise<Witness> {
    const heads = new Map<string, WitnessedHead>();
    const { events } = await log.readAll({ limit: 10_000 });
    for (const { stream, revision, type, id, position } of events) {
      heads.set(stream, { stream, revision: Number(revision), type, eventId: id, position });
    }
    return new Witness([...heads.values()].sort((a, b) => (a.stream < b.stream ? -1 : 1)));
  }

  silent(): Promise<number> {
    return Promise.resolve(0);
  }

  async heads(after = '', limit: number): Promise<readonly WitnessedHead[]> {
    return this.known.filter(({ stream }) => stream > after).slice(0, limit);
  }
}

/** Without some of its events, as an attacker leaves it; what is left is numbered anew. */
async function without(log: EventLog, gone: (event: WitnessedHead) => boolean): Promise<EventLog> {
  const left = new MemoryEventLog();
  const { events } = await log.readAll({ limit: 10_000 });
  for (const event of events) {
    const { stream, revision, type, id, position } = event;
    const head = { stream, revision: Number(revision), type, eventId: id, position };
    if (gone(head)) continue;
    await left.append(stream, 'any', [event]);
  }
  // The same log, as its positions say; places that are empty now stay so.
  const pageOf = left.readAll.bind(left);
  const placed = new Map(
    (await pageOf({ limit: 10_000 })).events.map((event) => {
      const at = events.find(({ id }) => id === event.id)!.position;
      return [event.position, at] as const;
    }),
  );
  return Object.assign(left, {
    logId: log.logId,
    head: async () => {
      const last = (await pageOf({ limit: 10_000 })).events.at(-1);
      return last && placed.get(last.position);
    },
    readAll: async () => {
      const page = await pageOf({ limit: 10_000 });
      const moved = page.events.map((event) => ({
        ...event,
        position: placed.get(event.position)!,
      }));
      return { ...page, events: moved, position: moved.at(-1)?.position };
    },
  });
}

const workOf = (signal = new AbortController().signal) => {
  const told: Omit<JobProgress, 'rate' | 'leftMs'>[] = [];
  const work: JobWork = { jobId: 'job', signal, report: (progress) => void told.push(progress) };
  return { work, told };
};

let tasks: TaskLog;
let ids: string[];

beforeEach(async () => {
  tasks = new TaskLog(new MemoryEventLog());
  ids = [];
  for (let n = 0; n < 6; n++) ids.push(await tasks.create());
  for (const id of ids) {
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    for (let n = 0; n < 50; n++) await tasks.append(id, new ProgressUpdated({ progress: n }));
  }
});

const verify = (log: EventLog, witness?: HistoryWitness) =>
  verifyWholeHistory(log, workOf().work, witness ? { witness } : {});

describe('A witness', () => {
  it('has nothing to say of a log that is whole, or has grown since', async () => {
    const witness = await Witness.of(tasks.log);
    expect(await verify(tasks.log, witness)).toMatchObject({ ok: true, problems: [] });
    await tasks.append(ids[0]!, new ProgressUpdated({ progress: 99 }));
    expect(await verify(tasks.log, witness)).toMatchObject({ ok: true, streams: 6 });
  });

  it('that knows newer events than were read is believed by the log', async () => {
    const { log } = tasks;
    const head = await log.head();
    await tasks.append(ids[0]!, new ProgressUpdated({ progress: 99 }));
    const witness = await Witness.of(log);
    // The log as it was when the check began.
    const early: EventLog = Object.assign(Object.create(log) as EventLog, {
      head: async () => head,
    });
    expect(await verify(early, witness)).toMatchObject({ ok: true });
  });

  it('names the streams whose end is gone, a whole one too, and what is missing first', async () => {
    const witness = await Witness.of(tasks.log);
    const [, cut, gone] = ids.map(taskStream) as [string, string, string];
    const log = await without(
      tasks.log,
      ({ stream, revision }) => (stream === cut && revision >= 49) || stream === gone,
    );
    const { ok, problems } = await verify(log, witness);
    expect(ok).toBe(false);
    expect(problems).toHaveLength(2);
    for (const [stream, revision, of] of [
      [cut, 49, 'revisions 49 to 51'],
      [gone, 0, 'revisions 0 to 51'],
    ] as const) {
      const [head] = await witness
        .heads(`${stream.slice(0, -1)}`, 6)
        .then((heads) => heads.filter((each) => each.stream === stream));
      const { eventId, type, position } = head!;
      expect(problems).toContainEqual({
        code: 'stream_cut',
        text: expect.stringContaining(of),
        stream,
        taskId: stream.slice('task-'.length),
        revision,
        eventId,
        type,
        position,
      });
    }
    const id = gone.slice('task-'.length);
    expect(await verifyTaskHistory(log, id, witness)).toMatchObject({
      ok: false,
      events: 0,
      problems: [{ code: 'stream_cut', stream: gone, revision: 0 }],
    });
    expect((await verifyTaskHistory(log, ids[0]!, witness)).problems).toEqual([]);
  });

  it('is asked to its end, however many streams it knows', async () => {
    for (let n = 0; n < 1_100; n++) await tasks.create();
    await tasks.append(ids[0]!, new ProgressUpdated({ progress: 99 }));
    const witness = await Witness.of(tasks.log);
    const [last] = [...tasks.tasks.keys()].sort().slice(-1) as [string];
    const log = await without(tasks.log, ({ stream }) => stream === taskStream(last));
    expect((await verify(log, witness)).problems).toMatchObject([
      { code: 'stream_cut', taskId: last, revision: 0 },
    ]);
  });

  it('says once that the end of the log is gone', async () => {
    const witness = await Witness.of(tasks.log);
    const last = (await tasks.log.head())!;
    const cut = taskStream(ids[4]!);
    let isGone = false;
    const log = await without(tasks.log, ({ stream, revision }) => {
      isGone ||= stream === cut && revision === 20;
      return isGone;
    });
    const { problems } = await verify(log, witness);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'log_cut', position: last, type: 'ProgressUpdated' }),
    ]);
    expect(problems[0]!.text).toContain('Events of 2 streams are missing');
  });
});

describe('A witness that fails', () => {
  const broken: HistoryWitness = {
    silent: () => Promise.resolve(0),
    heads: () => Promise.reject(new Error('the file is gone')),
  };
  const unwitnessed =
    'The audit could not be asked how far each stream went; the log of the service says why.';

  it('is told of, and keeps nobody from checking the log', async () => {
    expect(await verify(tasks.log, broken)).toMatchObject({ ok: true, streams: 6, unwitnessed });
    const verdict = await verifyTaskHistory(tasks.log, ids[0]!, broken);
    expect(verdict).toMatchObject({ ok: true, events: 52, unwitnessed });
    expect(await verify(tasks.log, await Witness.of(tasks.log))).not.toHaveProperty('unwitnessed');
  });

  it('is told of when it fails for the history, and answers for the refusals again', async () => {
    let asked = 0;
    const failsOnce: HistoryWitness = {
      silent: () => Promise.resolve(0),
      heads: () =>
        (asked += 1) === 1 ? Promise.reject(new Error('the file is gone')) : Promise.resolve([]),
    };
    const verdict = await verifyTaskHistory(tasks.log, ids[0]!, failsOnce);
    expect(verdict).toMatchObject({ ok: true, unwitnessed });
    expect(asked).toBe(2);
  });

  it('is no excuse for a job that was aborted', async () => {
    const abort = new AbortController();
    const heads = () => {
      abort.abort(new Error('enough'));
      return Promise.resolve([]);
    };
    const { work } = workOf(abort.signal);
    await expect(
      verifyWholeHistory(tasks.log, work, { witness: { heads, silent: () => Promise.resolve(0) } }),
    ).rejects.toThrow('enough');
  });
});

describe('An imported history', () => {
  const id = '0190a5a0-0000-7000-8000-000000000077';
  const imported = { taskId: id, appName: 'app', fromLog: '0000abcd', by: 'ann', at: 1, begun: 2 };

  /** @param taken how many of the three events lie there in the end, @param head what is said of the last */
  async function log(taken: number, head?: string): Promise<[EventLog, ImportedTask]> {
    const [first] = ids as [string];
    const from = await tasks.log.readStream(taskStream(first), { limit: 4 });
    const into = new MemoryEventLog();
    let end: DatedChainEnd = { ...EMPTY_CHAIN, timestamp: 0 };
    const write = (stream: string, to: DatedChainEnd, { type, data, version }: TaskEvent) => {
      const { text, chain } = encodeEvent(to, stream, v7(), { type, data, version }, METADATA);
      end = { ...chain, timestamp: 0 };
      return text;
    };
    let last = '';
    for (const [n, { type, data }] of from.slice(0, taken).entries()) {
      const event = { type, data: JSON.parse(data) as object, version: 1 };
      const text = write(taskStream(id), end, event);
      if (n < 3) last = end.hash;
      await into.append(`imported-${id}.2`, 'any', [text]);
    }
    const whole = { taskId: id, fromLog: '0000abcd', events: 3, refusals: 0, head: head ?? last };
    end = { ...EMPTY_CHAIN, timestamp: 0 };
    for (const event of [
      new TaskImportBegun({ taskId: id, fromLog: '0000abcd' }),
      new TaskImportBegun({ taskId: id, fromLog: '0000abcd' }),
      new TaskImported(whole),
    ])
      await into.append('imports', 'any', [write('imports', end, event)]);
    return [into, { ...imported, ...whole }];
  }

  it.each([
    ['is as it was imported', 3, undefined, undefined],
    ['was cut off', 2, undefined, 'stream_cut'],
    ['was added to', 4, undefined, 'hash_mismatch'],
    ['was replaced, with hashes that fit', 3, 'ab'.repeat(32), 'hash_mismatch'],
  ])('that %s is told as such, of the task and of the log', async (_, taken, head, code) => {
    const [into, whole] = await log(taken, head);
    const wanted = code === undefined ? [] : [{ code, taskId: id, stream: `imported-${id}.2` }];
    expect((await verify(into)).problems).toMatchObject(wanted);
    const { problems } = await verifyTaskHistory(into, id, undefined, whole);
    expect(problems).toMatchObject(wanted);
    expect(problems).toHaveLength(wanted.length);
  });
});

describe('Checking the whole history', () => {
  it('tells how far it is, in events, and that this is all', async () => {
    const { work, told } = workOf();
    await verifyWholeHistory(tasks.log, work, {});
    const all = 6 * 52;
    expect(told.length).toBeGreaterThan(1);
    expect(told[0]).toEqual({ step: 'verify', done: 250, total: all, unit: 'events' });
    expect(told.at(-1)).toEqual({ step: 'verify', done: all, total: all, unit: 'events' });
  });

  it('stops soon when it is aborted, and so does the making of a seal', async () => {
    const abort = new AbortController();
    const { work } = workOf(abort.signal);
    const report = () => abort.abort(new Error('enough'));
    const stopping = { ...work, report };
    await expect(verifyWholeHistory(tasks.log, stopping, {})).rejects.toThrow('enough');
    await expect(sealHistory(tasks.log, work, 0)).rejects.toThrow('enough');
  });

  it('tells one problem a stream and a hundred in all, and counts the others', async () => {
    const log = new MemoryEventLog();
    const { events } = await tasks.log.readAll({ limit: 52 });
    for (let n = 0; n < 130; n++) {
      const texts = events.slice(0, 3).map((event) => ({ ...event, data: '{"progress":1}' }));
      await log.append(taskStream(String(n)), 'no_stream', texts);
    }
    const { problems, problemCount, ok } = await verify(log);
    expect([ok, problems.length, problemCount]).toEqual([false, 100, 130]);
    expect(new Set(problems.map(({ stream }) => stream)).size).toBe(100);
  });

  it('looks at every event of a long life, until it is told to end', async () => {
    const id = ids[0]!;
    for (let n = 0; n < 600; n++) await tasks.append(id, new ProgressUpdated({ progress: n / 7 }));
    expect(await verifyTaskHistory(tasks.log, id, undefined)).toMatchObject({ events: 652 });
    let turns = 0;
    const ended = async () => {
      if (++turns === 3) throw new JobAborted('not now');
    };
    const checked = verifyTaskHistory(tasks.log, id, undefined, undefined, ended);
    await expect(checked).rejects.toThrow('not now');
    const gone = (head: WitnessedHead) => head.stream === taskStream(id) && head.revision === 600;
    const log = await without(tasks.log, gone);
    const { ok, problems } = await verifyTaskHistory(log, id, undefined);
    expect([ok, problems.length, problems[0]?.revision]).toEqual([false, 1, 600]);
  });

  it('is done at once with an empty log', async () => {
    expect(await verify(new MemoryEventLog(), await Witness.of(new MemoryEventLog()))).toEqual({
      ok: true,
      events: 0,
      streams: 0,
      problems: [],
      problemCount: 0,
    });
  });

  it('seals up to a position, whatever comes while it does', async () => {
    const { work } = workOf();
    const position = (await tasks.log.head()) as Position;
    const busy: JobWork = {
      ...work,
      report: () => void tasks.append(ids[0]!, new ProgressUpdated({ progress: 1 })),
    };
    const seal = await sealHistory(tasks.log, busy, 7);
    expect(seal).toMatchObject({ position, events: 6 * 52, streams: 6, at: 7, problems: 0 });
    const report = await verifyWholeHistory(tasks.log, work, { seal });
    expect(report).toMatchObject({ ok: true, seal: { ok: true } });
    expect(report.seal!.eventsSince).toBeGreaterThan(0);
  });
});
