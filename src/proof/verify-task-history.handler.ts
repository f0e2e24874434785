import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { HistoryVerdict } from '@taskmanager/protocol';
import { type ImportedTask, ImportedTasks } from '../commands/imported-tasks.port.js';
import { queryContextOf } from '../context/index.js';
import { EventLog } from '../event-store/index.js';
import { taskStream } from '../events/index.js';
import { appOf, maySee, taskNotFound } from '../projections/visibility.js';
import { HistoryWitness } from './history-witness.port.js';
import { verifyTaskHistory } from './task-history.js';
import { VerifyTaskHistory } from './verify-task-history.query.js';

@QueryHandler(VerifyTaskHistory)
export class VerifyTaskHistoryHandler implements IQueryHandler<VerifyTaskHistory, HistoryVerdict> {
  constructor(
    private readonly log: EventLog,
    private readonly witness: HistoryWitness,
    private readonly imports: ImportedTasks,
  ) {}

  async execute(query: VerifyTaskHistory): Promise<HistoryVerdict> {
    const { id } = query;
    const { apps } = queryContextOf(query);
    await this.imports.ready();
    const imported = this.imports.find(id);
    if (apps && !maySee(apps, await this.appOf(id, imported))) throw taskNotFound(id);
    const verdict = await verifyTaskHistory(this.log, id, this.witness, imported);
    const isKnown = verdict.events + verdict.refusals + verdict.problems.length > 0;
    if (!isKnown) throw taskNotFound(id);
    return verdict;
  }

  /** Nobody's app when there is no event, or none that can be read. */
  private async appOf(id: string, imported: ImportedTask | undefined): Promise<string> {
    const [first] = await this.log.readStream(taskStream(id), { limit: 1 });
    return first ? appOf(first) : (imported?.appName ?? '');
  }
}
