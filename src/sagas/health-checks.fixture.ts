import { DeleteTask } from '../commands/delete-task.command.js';
import { type TaskCommand, messageOf } from '../commands/task-command.js';
import { TaskCompleted } from '../events/index.js';
import { On, type SagaEvent, TaskSaga } from '../processing/index.js';

/** What a health check found is in its history: the task leaves the lists as soon as it is completed. */
@TaskSaga({ name: 'health_checks', version: 1 })
export class HealthChecksSaga {
  @On(TaskCompleted)
  tidyUp({ taskId, metadata }: SagaEvent<TaskCompleted>): TaskCommand[] {
    if (metadata.taskType !== 'health_check') return [];
    return [messageOf(DeleteTask, { id: taskId, reason: 'a health check' })];
  }
}
