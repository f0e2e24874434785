import {
  LIMITS,
  RUN_BY,
  TASK_ID_PATTERN,
  TASK_TYPE_PATTERN,
  VISIBLE_STATUSES,
} from '@taskmanager/protocol';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  type ValidationOptions,
} from 'class-validator';

/** Rules of fields that several queries have: whatever comes in is bounded. */
const MAX_TYPES = 100;
const MAX_IDS = 1_000;
/** Characters of a cursor: a name of the greatest length in base64, and some. */
const MAX_CURSOR = 8 * 1024;

const all =
  (...rules: PropertyDecorator[]): PropertyDecorator =>
  (target, key) => {
    for (const rule of rules) rule(target, key);
  };

const rule = (
  name: string,
  message: string,
  validate: (value: unknown) => boolean,
  options?: ValidationOptions,
): PropertyDecorator =>
  ValidateBy(
    { name, validator: { validate, defaultMessage: () => `$property ${message}` } },
    options,
  );

const listOf = (max: number, ...each: PropertyDecorator[]): PropertyDecorator =>
  all(IsArray(), ArrayMinSize(1), ArrayMaxSize(max), ...each);

/** The field may be left out; `null` is a value like any other. */
export const Optional = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

/** Text of so many UTF-16 units. */
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

/** Text without line ends and other control characters; a tab is allowed. */
export const IsOneLine = (max: number): PropertyDecorator =>
  rule(
    'isOneLine',
    `must be one line of 1 to ${max} characters`,
    (value) =>
      typeof value === 'string' &&
      value.length >= 1 &&
      value.length <= max &&
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value),
  );

const NOT_AN_ID = '$property must be a UUID in lower case';

export const IsTaskId = (): PropertyDecorator => Matches(TASK_ID_PATTERN, { message: NOT_AN_ID });
export const AreTaskIds = (): PropertyDecorator =>
  listOf(MAX_IDS, Matches(TASK_ID_PATTERN, { each: true, message: NOT_AN_ID }));
export const AreTaskTypes = (): PropertyDecorator =>
  listOf(MAX_TYPES, Matches(TASK_TYPE_PATTERN, { each: true }));
export const AreStatuses = (): PropertyDecorator =>
  listOf(VISIBLE_STATUSES.length, IsIn(VISIBLE_STATUSES, { each: true }));
export const IsAppName = (): PropertyDecorator => HasLength(1, LIMITS.appNameLength);
export const IsRunBy = (): PropertyDecorator => IsIn(RUN_BY);
export const IsCursor = (): PropertyDecorator => HasLength(1, MAX_CURSOR);

/** A whole number; what JSON cannot hold exactly is refused. */
export const IsWhole = (min: number, max: number): PropertyDecorator =>
  all(IsInt(), Min(min), Max(max));

/** Epoch milliseconds that a Date can hold. */
export const IsTime = (): PropertyDecorator => IsWhole(0, 8.64e15);

/** Labels to look for: within the limits that labels themselves have. */
export const AreLabels = (): PropertyDecorator =>
  rule(
    'areLabels',
    `must be an object of 1 to ${LIMITS.labels} texts, keys and values of at most ${LIMITS.labelLength} characters`,
    (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      const entries = Object.entries(value);
      return (
        entries.length >= 1 &&
        entries.length <= LIMITS.labels &&
        entries.every(
          ([key, text]) =>
            key.length <= LIMITS.labelLength &&
            typeof text === 'string' &&
            text.length <= LIMITS.labelLength,
        )
      );
    },
  );
