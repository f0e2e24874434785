import { LIMITS } from '@taskmanager/protocol';

/**
 * A page of what is listed by its name, in the order of the names; stops at `limit`, or before an
 * answer's bytes run out, but never before the first. The cursor is the last name that was answered.
 */
export function pageByName<T>(
  names: readonly string[],
  itemOf: (name: string) => T,
  { cursor, limit }: { readonly cursor: string | undefined; readonly limit: number },
): { readonly items: readonly T[]; readonly nextCursor?: string } {
  const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString();
  const items: T[] = [];
  let bytes = 0;
  let last = after;
  for (const name of names.filter((one) => one > after).sort()) {
    const item = itemOf(name);
    bytes += Buffer.byteLength(JSON.stringify(item));
    if (items.length === limit || (items.length > 0 && bytes > LIMITS.answerBytes)) {
      return { items, nextCursor: Buffer.from(last).toString('base64url') };
    }
    items.push(item);
    last = name;
  }
  return { items };
}
