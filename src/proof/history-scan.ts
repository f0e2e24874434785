import { offsetOf, type Position } from '@taskmanager/protocol';
import { type EventLog, LogReader } from '../event-store/index.js';
import { type JobWork, Pace } from '../jobs/index.js';
import { HistoryCheck } from './history-check.js';
import { MerkleTree } from './merkle-tree.js';

/** Events checked, or streams put into a tree, in one turn of the event loop: a few milliseconds. */
const TURN = 250;

/** Reads the log from its first event on, in pieces, and checks it. */
export class HistoryScan {
  readonly check = new HistoryCheck();
  private readonly pace = new Pace();
  /** Number of the first event's place; with the head's, how much there is to read. */
  private first: bigint | undefined;

  /** @param head how far it will be read, for the progress; undefined when the log is empty */
  constructor(
    private readonly log: EventLog,
    private readonly work: Pick<JobWork, 'signal' | 'report'>,
    private readonly head: Position | undefined,
  ) {}

  /** Goes on up to and with this position; rejects with the signal's reason. */
  async upTo(until: Position): Promise<void> {
    const { check, work } = this;
    const { signal } = work;
    const range = { after: check.position, until, signal, limit: TURN };
    const reader = new LogReader(this.log, range);
    for (;;) {
      const events = await reader.rest();
      const last = events.at(-1);
      if (!last) return;
      this.first ??= offsetOf(events[0]?.position ?? last.position);
      for (const event of events) check.see(event);
      const total = this.total(last.position);
      work.report({ step: 'verify', done: check.events, total, unit: 'events' });
      await this.pace.turn();
    }
  }

  /** Root of the tree over all ends as they are now; each leaf is the JSON text `[stream, revision, hash]`. */
  async root(): Promise<string> {
    const tree = new MerkleTree();
    let leaves = 0;
    for (const { stream, revision, hash } of this.check.ends) {
      tree.add(JSON.stringify([stream, revision, hash]));
      if (++leaves % TURN !== 0) continue;
      this.work.signal.throwIfAborted();
      await this.pace.turn();
    }
    return tree.root();
  }

  /** Positions may have gaps, so this is known exactly only at the end. */
  private total(reached: Position): number {
    const { first = 0n, head = reached, check } = this;
    const part = Number(offsetOf(reached) - first + 1n) / Number(offsetOf(head) - first + 1n);
    return Math.round(check.events / Math.min(1, part));
  }
}
