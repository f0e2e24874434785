import { PassThrough } from 'node:stream';
import { type Answer, FrameServer, type Received } from '../../client/test/frame-server.js';
import { run } from '../src/index.js';
import type { Io } from '../src/io.js';

/** The command line in the test's own process, against a server on a real socket that answers as the test says. */
export interface Setting {
  /** Answers by the message's name; a list: one after the other, the last again and again. */
  readonly answers?: Readonly<Record<string, AnswerOf>>;
  /** Standard output and error are a terminal of so many columns. */
  readonly columns?: number;
  readonly variables?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly input?: string;
}

type AnswerOf = Answer | readonly Answer[] | ((request: Received) => Answer | Promise<Answer>);

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the server was asked, without `meta`. */
  readonly asked: readonly { readonly subject: string; readonly fields: object }[];
  /** The same, whole. */
  readonly received: readonly Received[];
}

export async function taskmanager(args: readonly string[], setting: Setting = {}): Promise<Ended> {
  const { answers = {}, columns, variables = {}, signal, input = '' } = setting;
  const server = await FrameServer.start(answererOf(answers));
  const out = terminal(columns);
  const err = terminal(columns);
  try {
    const io: Io = {
      input: Object.assign(new PassThrough().end(input), { isTTY: false }),
      output: out.stream,
      errors: err.stream,
      variables: {
        TASKMANAGER_SERVER: `tcp://127.0.0.1:${server.port}`,
        TASKMANAGER_ACTOR: 'ann',
        ...variables,
      },
      signal: signal ?? new AbortController().signal,
    };
    const code = await run(args, io);
    const asked = server.received.map(({ pattern, data: { meta: _, ...fields } }) => ({
      subject: pattern,
      fields,
    }));
    return { code, out: out.text(), err: err.text(), asked, received: server.received };
  } finally {
    await server.stop();
  }
}

function answererOf(answers: Readonly<Record<string, AnswerOf>>) {
  const counts = new Map<string, number>();
  return (request: Received): Answer | Promise<Answer> => {
    const name = request.pattern.split('.')[2] ?? '';
    const answer = answers[name];
    if (typeof answer === 'function') return answer(request);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const all = Array.isArray(answer) ? (answer as readonly Answer[]) : [answer as Answer];
    return all[Math.min(count, all.length - 1)];
  };
}

function terminal(columns: number | undefined) {
  const stream = new PassThrough();
  let written = '';
  stream.setEncoding('utf8').on('data', (text: string) => (written += text));
  const tty = columns === undefined ? { isTTY: false } : { isTTY: true, columns, rows: 40 };
  return { stream: Object.assign(stream, tty), text: () => written };
}

export const TASK_ID = '0190a5a0-0000-7000-8000-000000000001';

/** A task as the service answers it. */
export const task = (fields: object = {}) => ({
  id: TASK_ID,
  name: 'Publish left-pad',
  taskType: 'publish',
  appName: 'shop',
  runBy: 'app',
  status: 'running',
  progress: 40,
  completedItems: 4,
  totalItems: 10,
  retryCount: 0,
  maxRetries: 3,
  retryDelayMs: 1_000,
  backoff: { type: 'fixed' },
  persistent: false,
  priority: 0,
  labels: {},
  attempt: 1,
  stallCount: 0,
  createdBy: { id: 'ann', roles: [], verified: false },
  createdAt: 1_700_000_000_000,
  updatedAt: 1_700_000_060_000,
  revision: 5,
  ...fields,
});

export const answer = (response: unknown): Answer => ({ response });
export const refusal = (code: string, message: string, details?: object): Answer => ({
  err: { code, message, details, correlationId: 'c-1' },
});
