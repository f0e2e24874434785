import type { Key } from './key-scan.js';

interface Head {
  readonly key: Key;
  readonly rest: Iterator<Key>;
}

/** Merges sorted sources into one; a key that several have comes once. */
export function* mergeKeys(
  sources: readonly Iterable<Key>[],
  compare: (a: Key, b: Key) => number,
): Generator<Key> {
  const heap: Head[] = [];
  for (const source of sources) push(heap, source[Symbol.iterator](), compare);
  let last: Key | undefined;
  for (let head = heap[0]; head; head = heap[0]) {
    if (!last || compare(last, head.key) !== 0) yield head.key;
    last = head.key;
    advance(heap, head.rest, compare);
  }
}

function push(heap: Head[], rest: Iterator<Key>, compare: (a: Key, b: Key) => number): void {
  const next = rest.next();
  if (next.done) return;
  let at = heap.push({ key: next.value, rest }) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!swapIfBefore(heap, at, parent, compare)) return;
    at = parent;
  }
}

/** Replaces the first head by what follows it in its source, and finds the new first. */
function advance(heap: Head[], rest: Iterator<Key>, compare: (a: Key, b: Key) => number): void {
  const next = rest.next();
  const moved = next.done ? heap.pop() : { key: next.value, rest };
  if (!moved || heap.length === 0) return;
  heap[0] = moved;
  for (let at = 0; ;) {
    const left = 2 * at + 1;
    const child = isBefore(heap, left + 1, left, compare) ? left + 1 : left;
    if (!swapIfBefore(heap, child, at, compare)) return;
    at = child;
  }
}

function isBefore(
  heap: Head[],
  a: number,
  b: number,
  compare: (a: Key, b: Key) => number,
): boolean {
  const [one, other] = [heap[a], heap[b]];
  return one !== undefined && other !== undefined && compare(one.key, other.key) < 0;
}

function swapIfBefore(
  heap: Head[],
  a: number,
  b: number,
  compare: (a: Key, b: Key) => number,
): boolean {
  const [one, other] = [heap[a], heap[b]];
  if (!one || !other || !isBefore(heap, a, b, compare)) return false;
  heap[a] = other;
  heap[b] = one;
  return true;
}
