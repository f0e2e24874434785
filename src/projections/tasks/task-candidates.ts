import type { Database, Statement } from '../../database/index.js';
import { foldText } from './task-columns.js';
import type { TaskTableNames } from './task-tables.js';

/** Tasks that are looked at to see how common a piece of text is. */
const SAMPLE = 64;
/** So many times rarer than the commonest piece, one is worth its search. */
const RARER = 4;

/** Few enough tasks to fetch and sort them, found through a filter that has an index of its own. */
export class TaskCandidates {
  private readonly tagged: Statement<[string, number], number>;
  private readonly matching: Statement<[string, number], number>;
  private readonly ranges: Record<'created_at' | 'updated_at', Statement<number[], number>>;

  constructor(db: Database, { task, tag, text }: TaskTableNames) {
    const prepare = <Params extends unknown[]>(sql: string) =>
      db.prepare<Params, number>(sql).pluck();
    this.tagged = prepare(`SELECT seq FROM ${tag} WHERE tag = ? LIMIT ?`);
    this.matching = prepare(`SELECT rowid FROM ${text} WHERE ${text} MATCH ? LIMIT ?`);
    const range = (column: string) =>
      prepare<number[]>(
        `SELECT seq FROM ${task} WHERE group_id = ? AND ${column} >= ? AND ${column} <= ? LIMIT ?`,
      );
    this.ranges = { created_at: range('created_at'), updated_at: range('updated_at') };
  }

  /** Tasks with one of these tags; undefined when they are more than `limit`. */
  byTags(tags: readonly string[], limit: number): number[] | undefined {
    const found = new Set<number>();
    for (const tag of tags) {
      for (const seq of this.tagged.all(tag, limit + 1)) found.add(seq);
    }
    return found.size > limit ? undefined : [...found];
  }

  /** Tasks whose name or error has all three-letter pieces of the text; more than match, never fewer. */
  byText(text: string, limit: number): number[] | undefined {
    const pieces = piecesOf(text);
    if (pieces.length === 0) return undefined;
    const found = this.matching.all(this.telling(pieces).join(' AND '), limit + 1);
    return found.length > limit ? undefined : found;
  }

  /**
   * Without the pieces that most tasks have: they exclude next to nothing, and going through their long
   * lists is most of what a search costs. A piece's first tasks show how dense it is.
   */
  private telling(pieces: readonly string[]): readonly string[] {
    if (pieces.length === 1) return pieces;
    const reaches = pieces.map((piece) => {
      const first = this.matching.all(piece, SAMPLE);
      return first.length < SAMPLE ? Infinity : (first.at(-1) ?? 0) - (first[0] ?? 0);
    });
    const densest = Math.min(...reaches);
    const rare = pieces.filter((_, index) => (reaches[index] ?? 0) > densest * RARER);
    return rare.length > 0 ? rare : pieces;
  }

  byTime(
    column: 'created_at' | 'updated_at',
    groups: readonly number[],
    from: number | undefined,
    to: number | undefined,
    limit: number,
  ): number[] | undefined {
    const found: number[] = [];
    for (const group of groups) {
      const [low, high] = [from ?? Number.MIN_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER];
      found.push(...this.ranges[column].all(group, low, high, limit + 1 - found.length));
      if (found.length > limit) return undefined;
    }
    return found;
  }
}

/** The three-letter pieces of a text, each quoted for FTS5. */
export function piecesOf(text: string): readonly string[] {
  const letters = [...foldText(text)];
  const pieces = new Set<string>();
  for (let at = 0; at + 3 <= letters.length; at++) {
    const piece = letters.slice(at, at + 3).join('');
    // FTS5 ends its query at a NUL; the text itself is compared later all the same.
    if (!piece.includes('\0')) pieces.add(`"${piece.replaceAll('"', '""')}"`);
  }
  return [...pieces];
}
