import { LIMITS } from '@taskmanager/protocol';

/**
 * The last commands that took effect on a task: effective command id → revision of its first event. A
 * cache of the stream's end, so that a command sent again is answered and not appended.
 */
export class RememberedCommands {
  private readonly first: Map<string, number>;

  constructor(entries: Iterable<readonly [string, number]> = []) {
    this.first = new Map(entries);
  }

  get size(): number {
    return this.first.size;
  }

  firstRevision(commandId: string): number | undefined {
    return this.first.get(commandId);
  }

  /** Events of one command follow each other, so only the first of them counts. */
  remember(commandId: string, revision: number): void {
    if (this.first.has(commandId)) return;
    this.first.set(commandId, revision);
    if (this.first.size <= LIMITS.rememberedCommands) return;
    for (const oldest of this.first.keys()) {
      this.first.delete(oldest);
      return;
    }
  }

  entries(): [string, number][] {
    return [...this.first];
  }
}
