/** Rules of fields that messages of several kinds have: whatever comes in is bounded. */
import { LIMITS, RUN_BY, TASK_ID_PATTERN } from '@taskmanager/protocol';
import {
  IsIn,
  IsInt,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  type ValidationOptions,
} from 'class-validator';

const MAX_REASON = 1_000;

export const all =
  (...rules: PropertyDecorator[]): PropertyDecorator =>
  (target, key) => {
    for (const each of rules) each(target, key);
  };

export const rule = (
  name: string,
  message: string,
  validate: (value: unknown) => boolean,
  options?: ValidationOptions,
): PropertyDecorator =>
  ValidateBy(
    { name, validator: { validate, defaultMessage: () => `$property ${message}` } },
    options,
  );

/** The field may be left out; `null` is a value like any other. */
export const Optional = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

/**
 * Text of so many UTF-16 units. Not class-validator's Length, which leaves variation selectors out of
 * the count and so has no bound.
 */
export const HasLength = (
  min: number,
  max: number,
  options?: ValidationOptions,
): PropertyDecorator =>
  rule(
    'hasLength',
    `must be text of ${min} to ${max} characters`,
    (value) => typeof value === 'string' && value.length >= min && value.length <= max,
    options,
  );

/** A whole number; what JSON cannot hold exactly is refused. */
export const IsWhole = (min: number, max: number): PropertyDecorator =>
  all(IsInt(), Min(min), Max(max));

/** Epoch milliseconds that a Date can hold. */
export const IsTime = (): PropertyDecorator => IsWhole(0, 8.64e15);

export const IsPageSize = (): PropertyDecorator => IsWhole(1, LIMITS.listPage);

export const NOT_AN_ID = '$property must be a UUID in lower case';
export const IsTaskId = (): PropertyDecorator => Matches(TASK_ID_PATTERN, { message: NOT_AN_ID });

export const IsAppName = (): PropertyDecorator => HasLength(1, LIMITS.appNameLength);

export const IsRunBy = (): PropertyDecorator => IsIn(RUN_BY);

/** Why an admin does it, for people. */
export const IsReason = (): PropertyDecorator => HasLength(1, MAX_REASON);
