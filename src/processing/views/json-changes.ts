import type { Json, TaskChange } from '@taskmanager/protocol';

/**
 * Each place where two JSON values differ, as deep as both are objects, or both are lists; lists item by
 * item. `before` or `after` is missing where that side has nothing.
 * @param path JSON Pointer (RFC 6901) of the values themselves
 */
export function* changesBetween(
  path: string,
  before: Json | undefined,
  after: Json | undefined,
): Generator<TaskChange, void> {
  if (before === after) return;
  if (!isBranch(before) || !isBranch(after) || Array.isArray(before) !== Array.isArray(after)) {
    yield {
      path,
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
    };
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [one, other] = [own(before, key), own(after, key)];
    // Most are: it saves a generator for each of them.
    if (one !== other) yield* changesBetween(`${path}/${escaped(key)}`, one, other);
  }
}

interface Branch {
  readonly [key: string]: Json;
}

const isBranch = (value: Json | undefined): value is Branch =>
  typeof value === 'object' && value !== null;

/** JSON may have a key like `constructor` on one side only. */
const own = (branch: Branch, key: string): Json | undefined =>
  Object.hasOwn(branch, key) ? branch[key] : undefined;

/** RFC 6901, section 3. */
const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
