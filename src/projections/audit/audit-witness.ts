import { Injectable } from '@nestjs/common';
import { formatPosition, offsetOf, type Position } from '@taskmanager/protocol';
import { EventLog } from '../../event-store/index.js';
import { HistoryWitness, type WitnessedHead } from '../../proof/history-witness.port.js';
import type { StreamHead } from './audit-file.js';
import { AuditProjection } from './audit.projection.js';

/**
 * What the audit remembers of the log: it shows what is no longer there. It asks the file that serves, and
 * those that were kept, as evidence or after a rebuild, until somebody drops them.
 */
@Injectable()
export class AuditWitness extends HistoryWitness {
  constructor(
    private readonly audit: AuditProjection,
    private readonly log: EventLog,
  ) {
    super();
  }

  /** The last event of each stream, in the order of their names (by bytes), strictly after one. */
  async heads(after: string | undefined, limit: number): Promise<WitnessedHead[]> {
    const found = new Map<string, StreamHead>();
    for (const head of await this.ofAll('heads', after ?? '', limit)) {
      const known = found.get(head.stream);
      if (!known || head.revision > known.revision) found.set(head.stream, head);
    }
    // Beyond the shortest of the pages' ends nothing is known of the others; names are ASCII.
    return [...found.values()]
      .sort((a, b) => (a.stream < b.stream ? -1 : 1))
      .slice(0, limit)
      .map((head) => this.eventOf(head));
  }

  async silent(): Promise<number> {
    return (await this.audit.run.builds.witnesses()).silent;
  }

  /** What it has seen strictly beyond a place in the log, in the order of the log. */
  async beyond(position: Position | undefined, limit: number): Promise<WitnessedHead[]> {
    const after = position === undefined ? -1 : Number(offsetOf(position));
    const found = await this.ofAll('beyond', after, limit);
    const events = new Map(found.map((head) => [head.eventId, head]));
    return [...events.values()]
      .sort((a, b) => a.offset - b.offset)
      .slice(0, limit)
      .map((head) => this.eventOf(head));
  }

  private async ofAll<M extends 'heads' | 'beyond'>(
    method: M,
    after: M extends 'heads' ? string : number,
    limit: number,
  ): Promise<StreamHead[]> {
    const { run, thread } = this.audit;
    const { files } = await run.builds.witnesses();
    const pages = files.map((file) =>
      method === 'heads'
        ? thread.call('heads', file, after as string, limit)
        : thread.call('beyond', file, after as number, limit),
    );
    return (await Promise.all(pages)).flat();
  }

  private eventOf({ offset, ...event }: StreamHead): WitnessedHead {
    return { ...event, position: formatPosition(this.log.logId, offset) };
  }
}
