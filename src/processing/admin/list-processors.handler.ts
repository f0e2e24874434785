import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { ProcessorsAnswer } from '@taskmanager/protocol';
import { EventLog } from '../../event-store/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { ListProcessors } from './list-processors.query.js';

@QueryHandler(ListProcessors)
export class ListProcessorsHandler implements IQueryHandler<ListProcessors, ProcessorsAnswer> {
  constructor(
    private readonly runner: ProcessorRunner,
    private readonly log: EventLog,
  ) {}

  async execute(): Promise<ProcessorsAnswer> {
    const head = await this.log.head();
    const statuses = await Promise.all(this.runner.runs().map((run) => run.status(head)));
    return { processors: statuses.flat(), ...(head !== undefined && { head }) };
  }
}
