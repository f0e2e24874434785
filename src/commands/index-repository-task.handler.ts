import { CommandHandler } from '@nestjs/cqrs';
import { IndexRepositoryTask } from './index-repository-task.command.js';
import { type Work, WorkTaskHandler } from './work-task.handler.js';

@CommandHandler(IndexRepositoryTask)
export class IndexRepositoryTaskHandler extends WorkTaskHandler<IndexRepositoryTask> {
  work({ directory }: IndexRepositoryTask): Work {
    return { taskType: 'index_repository', name: `Index ${directory}`, input: { directory } };
  }
}
