import type { CommandName } from '@taskmanager/protocol';
import { IsInt, Min } from 'class-validator';
import { IsTaskId, IsWorkerId, Optional } from './fields.js';

/** A message class: its fields are validated by decorators, `message` is its name on the wire. */
export interface CommandClass<C extends object = object> {
  readonly message: CommandName;
  new (): C;
}

/** An intention about one task. `meta` is not here: the transport turns it into the command's context. */
export abstract class TaskCommand {
  @IsTaskId()
  readonly id: string;
}

/** What the one who runs a task sends. While the task is leased, `leaseEpoch` must be that lease's. */
export abstract class RunnerCommand extends TaskCommand {
  @Optional()
  @IsWorkerId()
  readonly workerId?: string;

  @Optional()
  @IsInt()
  @Min(1)
  readonly leaseEpoch?: number;
}

/** A message made in the process, not on the wire. */
export function messageOf<C extends object>(messageClass: new () => C, fields: Omit<C, never>): C {
  return Object.assign(new messageClass(), fields);
}
