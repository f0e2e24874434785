import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, ApproversNotified } from '../../events/index.js';
import type { Task } from '../../task/index.js';
import { RecordNotification } from './record-notification.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(RecordNotification)
export class RecordNotificationHandler extends TaskCommandHandler<RecordNotification> {
  decide(task: Task, command: RecordNotification): AnyTaskEvent[] {
    const { requestedAt, kind, channel, outcome } = command;
    const present =
      task.status === 'waiting_for_approval' && task.approval?.requestedAt === requestedAt;
    return present ? [new ApproversNotified({ kind, channel, outcome })] : [];
  }
}
