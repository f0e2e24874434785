import { LIMITS } from '@taskmanager/protocol';
import { ValidateBy } from 'class-validator';
import { IsTaskType, IsText, Optional } from '../fields.js';

const IsMaxRunning = (): PropertyDecorator =>
  ValidateBy({
    name: 'isMaxRunning',
    validator: {
      validate: (value) =>
        value === null ||
        (Number.isInteger(value) &&
          (value as number) >= 1 &&
          (value as number) <= LIMITS.maxRunning),
      defaultMessage: () => `$property must be null or a whole number, 1 to ${LIMITS.maxRunning}`,
    },
  });

/** How many tasks of the type workers may hold at once. */
export class LimitTaskType {
  static readonly message = 'limit_task_type';
  static readonly journaled = false as const;

  @IsTaskType()
  readonly taskType: string;

  /** null: as many as they like. */
  @IsMaxRunning()
  readonly maxRunning: number | null;

  @Optional()
  @IsText()
  readonly reason?: string;
}
