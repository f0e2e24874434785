import { isPosition, LIMITS, TASK_ID_PATTERN } from '@taskmanager/protocol';
import { IsInt, Matches, Max, Min, ValidateBy, ValidateIf } from 'class-validator';

/** Rules of fields that several admin messages have. */
const MAX_NAME = 200;
const MAX_REASON = 1_000;
const MAX_CURSOR = 1_024;

/** The field may be left out; `null` is a value like any other. */
export const Optional = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

/** Text of so many UTF-16 units: class-validator's own length has no bound, it leaves some out. */
const HasLength = (min: number, max: number): PropertyDecorator =>
  ValidateBy({
    name: 'hasLength',
    validator: {
      validate: (value) => typeof value === 'string' && value.length >= min && value.length <= max,
      defaultMessage: () => `$property must be text of ${min} to ${max} characters`,
    },
  });

export const IsProcessorName = (): PropertyDecorator => HasLength(1, MAX_NAME);
export const IsReason = (): PropertyDecorator => HasLength(1, MAX_REASON);
export const IsCursor = (): PropertyDecorator => HasLength(1, MAX_CURSOR);
export const IsTaskId = (): PropertyDecorator =>
  Matches(TASK_ID_PATTERN, { message: '$property must be a UUID in lower case' });
export const IsEventId = IsTaskId;

export const IsPosition = (): PropertyDecorator =>
  ValidateBy({
    name: 'isPosition',
    validator: {
      validate: isPosition,
      defaultMessage: () => '$property must be a position as an answer gave it',
    },
  });

const PAGE_SIZE = [IsInt(), Min(1), Max(LIMITS.listPage)];
export const IsPageSize = (): PropertyDecorator => (target, key) => {
  for (const rule of PAGE_SIZE) rule(target, key);
};
