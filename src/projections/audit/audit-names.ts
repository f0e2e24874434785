/** Names that repeat, each with a number and how many events have it. */
import type { Database, Statement } from '@taskmanager/sqlite-driver';
import { NAME_KINDS, type NameKind } from './audit-schema.js';

/** Names kept in memory while rows are written; then it begins anew. */
const MOST_KEPT = 50_000;

export interface KnownName {
  readonly id: number;
  readonly events: number;
}

/** Reads and writes the names of one file. What is in memory is forgotten when a write failed. */
export class AuditNames {
  private readonly kept = new Map<string, number>();
  private readonly added = new Map<number, number>();
  private readonly select: Statement<[number, string], KnownName>;
  private readonly insert: Statement<[number, string]>;
  private readonly count: Statement<[number, number]>;
  private readonly selectAll: Statement<[number], { text: string; id: number; events: number }>;

  constructor(db: Database) {
    this.select = db.prepare('SELECT id, events FROM name WHERE kind = ? AND text = ?');
    this.insert = db.prepare('INSERT INTO name (kind, text, events) VALUES (?, ?, 0)');
    this.count = db.prepare('UPDATE name SET events = events + ? WHERE id = ?');
    this.selectAll = db.prepare('SELECT id, text, events FROM name WHERE kind = ? ORDER BY text');
  }

  find(kind: NameKind, text: string): KnownName | undefined {
    return this.select.get(NAME_KINDS[kind], text);
  }

  all(kind: NameKind): { readonly text: string; readonly id: number; readonly events: number }[] {
    return this.selectAll.all(NAME_KINDS[kind]);
  }

  /** The number of a name that one more event has; {@link flush} writes how many. In a transaction. */
  use(kind: NameKind, text: string | null): number | null {
    if (text === null) return null;
    const key = `${NAME_KINDS[kind]}${text}`;
    let id = this.kept.get(key);
    if (id === undefined) {
      id =
        this.find(kind, text)?.id ??
        Number(this.insert.run(NAME_KINDS[kind], text).lastInsertRowid);
      if (this.kept.size >= MOST_KEPT) this.kept.clear();
      this.kept.set(key, id);
    }
    this.added.set(id, (this.added.get(id) ?? 0) + 1);
    return id;
  }

  /** In the transaction of what used them. */
  flush(): void {
    for (const [id, events] of this.added) this.count.run(events, id);
    this.added.clear();
  }

  forget(): void {
    this.kept.clear();
    this.added.clear();
  }
}
