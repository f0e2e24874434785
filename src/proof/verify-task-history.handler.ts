import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { HistoryVerdict } from '@taskmanager/protocol';
import { queryContextOf } from '../context/index.js';
import { EventLog } from '../event-store/index.js';
import { type EventMetadata, importedStream, taskStream } from '../events/index.js';
import { maySee, taskNotFound } from '../projections/visibility.js';
import { HistoryWitness } from './history-witness.port.js';
import { verifyTaskHistory } from './task-history.js';
import { VerifyTaskHistory } from './verify-task-history.query.js';

@QueryHandler(VerifyTaskHistory)
export class VerifyTaskHistoryHandler implements IQueryHandler<VerifyTaskHistory, HistoryVerdict> {
  constructor(
    private readonly log: EventLog,
    private readonly witness: HistoryWitness,
  ) {}

  async execute(query: VerifyTaskHistory): Promise<HistoryVerdict> {
    const { id } = query;
    const { apps } = queryContextOf(query);
    if (apps && !maySee(apps, await this.appOf(id))) throw taskNotFound(id);
    const verdict = await verifyTaskHistory(this.log, id, this.witness);
    const isKnown = verdict.events + verdict.refusals + verdict.problems.length > 0;
    if (!isKnown) throw taskNotFound(id);
    return verdict;
  }

  /** Nobody's app when there is no event, or none that can be read. */
  private async appOf(id: string): Promise<string> {
    for (const stream of [taskStream(id), importedStream(id)]) {
      const [first] = await this.log.readStream(stream, { limit: 1 });
      if (!first) continue;
      try {
        return (JSON.parse(first.metadata) as EventMetadata).appName;
      } catch {
        return '';
      }
    }
    return '';
  }
}
