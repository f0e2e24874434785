import { CommandHandler } from '@nestjs/cqrs';
import { CloneRepositoryTask } from './clone-repository-task.command.js';
import { type Work, WorkTaskHandler } from './work-task.handler.js';

@CommandHandler(CloneRepositoryTask)
export class CloneRepositoryTaskHandler extends WorkTaskHandler<CloneRepositoryTask> {
  work({ url, branch, directory }: CloneRepositoryTask): Work {
    const input = { url, branch, directory };
    return { taskType: 'clone_repository', name: `Clone ${url}`, input };
  }
}
