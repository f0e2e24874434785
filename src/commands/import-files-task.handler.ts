import { CommandHandler } from '@nestjs/cqrs';
import { ImportFilesTask } from './import-files-task.command.js';
import { type Work, WorkTaskHandler } from './work-task.handler.js';

@CommandHandler(ImportFilesTask)
export class ImportFilesTaskHandler extends WorkTaskHandler<ImportFilesTask> {
  work({ sources, destination, concurrency }: ImportFilesTask): Work {
    const [first = '', ...others] = sources;
    const what = others.length === 0 ? first : `${first} and ${others.length} more`;
    const input = { sources, destination, concurrency };
    return { taskType: 'import_files', name: `Import ${what}`, input };
  }
}
