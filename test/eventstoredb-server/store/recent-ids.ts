import { type RecordedEvent } from './recorded-event.js';

/**
 * The events written last, by id.
 *
 * Server: an append that names no revision is recognised as a repetition only while its ids are in a
 * cache of 8 MiB, which is keyed by the id alone (IndexWriter).
 */
export class RecentIds {
  private readonly events = new Map<string, RecordedEvent>();
  private bytes = 0;

  constructor(private readonly capacity = 8 * 1024 * 1024) {}

  find(id: string, stream: string): RecordedEvent | undefined {
    const event = this.events.get(id);
    return event?.stream === stream ? event : undefined;
  }

  add(event: RecordedEvent): void {
    const former = this.events.get(event.id);
    if (former) this.remove(former);
    this.events.set(event.id, event);
    this.bytes += costOf(event);
    for (const oldest of this.events.values()) {
      if (this.bytes <= this.capacity) break;
      this.remove(oldest);
    }
  }

  private remove(event: RecordedEvent): void {
    this.events.delete(event.id);
    this.bytes -= costOf(event);
  }
}

const costOf = ({ stream }: RecordedEvent): number => 36 + 2 * stream.length;
