import type { Json } from '@taskmanager/protocol';
import type { Task } from '../../task/index.js';

/** What may be large and rarely changes. Kept as JSON text, apart from the rest of the state. */
export const PAYLOADS = ['data', 'input', 'result', 'checkpoint'] as const;
export type PayloadName = (typeof PAYLOADS)[number];

/** JSON text of what changed; null where it is gone. */
export type PayloadTexts = { [Name in PayloadName]?: string | null };

/**
 * Stands in a folded state where a payload is: `evolve` carries it along like any value, and whatever
 * is not this very object is new and has to be written.
 */
const KEPT: Json = Object.freeze({});

type Light = { -readonly [Field in keyof Task]: Task[Field] };

/** Takes the payloads that an event brought out of a state; the state itself when there are none. */
export function takePayloads(
  before: Task | undefined,
  after: Task,
): { task: Task; texts?: PayloadTexts } {
  const { approval } = after;
  if (
    before?.data === after.data &&
    before?.input === after.input &&
    before?.result === after.result &&
    before?.checkpoint === after.checkpoint &&
    approval?.result === undefined
  ) {
    return { task: after };
  }
  const task: Light = { ...after };
  const texts: PayloadTexts = {};
  for (const name of PAYLOADS) {
    if (before?.[name] === after[name]) continue;
    texts[name] = after[name] === undefined ? null : JSON.stringify(after[name]);
    if (after[name] !== undefined) task[name] = KEPT;
  }
  // What a vote would complete the task with is the decider's affair: no query shows it.
  if (approval?.result !== undefined) task.approval = { ...approval, result: undefined };
  return { task, texts };
}

/** A stored state, ready to be folded on. */
export function lightTask(state: string): Task {
  const task = JSON.parse(state) as Light;
  for (const name of PAYLOADS) if (task[name] !== undefined) task[name] = KEPT;
  return task;
}

/** `state` and the payload columns in the order of {@link PAYLOADS}. */
export type StateRow = [
  state: string,
  data: string | null,
  input: string | null,
  result: string | null,
  checkpoint: string | null,
];

/** The whole task again. */
export function fullTask(row: StateRow): Task {
  const task = JSON.parse(row[0]) as Light;
  if (row[1] !== null) task.data = JSON.parse(row[1]) as Json;
  if (row[2] !== null) task.input = JSON.parse(row[2]) as Json;
  if (row[3] !== null) task.result = JSON.parse(row[3]) as Json;
  if (row[4] !== null) task.checkpoint = JSON.parse(row[4]) as Json;
  return task;
}

/** What the row adds to an answer, in bytes; a little more than it is, for some fields are not shown. */
export function rowBytes(row: StateRow): number {
  let bytes = 0;
  for (const text of row) if (text !== null) bytes += Buffer.byteLength(text);
  return bytes;
}
