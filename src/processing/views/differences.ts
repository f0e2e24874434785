import type { Difference, Json } from '@taskmanager/protocol';
// Of this file alone: a thread loads it.
import { FirstFew } from '../../jobs/first-few.js';
import { changesBetween } from './json-changes.js';

/** So many are listed; the others are counted. */
const MOST_LISTED = 100;
/** Of a value that differs, so much of its JSON text is shown; of a path, so much of it. */
const SHOWN_CHARS = 1_000;
/** Of the line for people, which names the path and both values. */
const TEXT_CHARS = 4_000;

/** Where a view says otherwise than the log: the first 100, cut where they are long, and how many. */
export class Differences {
  private readonly few = new FirstFew<Difference>(MOST_LISTED);

  get listed(): readonly Difference[] {
    return this.few.items;
  }

  get count(): number {
    return this.few.count;
  }

  add(difference: Difference): void {
    const { text, path, view, log } = difference;
    this.few.add({
      ...difference,
      text: cut(text, TEXT_CHARS),
      ...(path !== undefined && { path: cut(path, SHOWN_CHARS) }),
      ...(view !== undefined && { view: shown(view) }),
      ...(log !== undefined && { log: shown(log) }),
    });
  }

  /** What was found in another part of the view, and how much of it there is. */
  addAll(listed: readonly Difference[], count: number): void {
    this.few.addAll(listed, count);
  }

  /** Each place where two values of one task differ, by its JSON Pointer (RFC 6901). */
  between(taskId: string, view: Json, log: Json): void {
    for (const { path, before, after } of changesBetween('', view, log)) {
      this.tell(taskId, path, before, after);
    }
  }

  private tell(taskId: string, path: string, view: Json | undefined, log: Json | undefined): void {
    const says = (value: Json | undefined) =>
      value === undefined ? 'nothing' : JSON.stringify(shown(value));
    this.add({
      text: `${cut(path, SHOWN_CHARS)}: the view says ${says(view)}, the log ${says(log)}`,
      taskId,
      path,
      ...(view !== undefined && { view }),
      ...(log !== undefined && { log }),
    });
  }
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

/** A payload may be as long as 128 KiB. */
function shown(value: Json): Json {
  const text = JSON.stringify(value);
  if (text.length <= SHOWN_CHARS) return value;
  return `${text.slice(0, SHOWN_CHARS)}… (${text.length} characters of JSON)`;
}
