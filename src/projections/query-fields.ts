import {
  LIMITS,
  TASK_ID_PATTERN,
  TASK_TYPE_PATTERN,
  VISIBLE_STATUSES,
} from '@taskmanager/protocol';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, Matches } from 'class-validator';
import { all, HasLength, NOT_AN_ID, rule } from '../context/message-fields.js';

export {
  HasLength,
  IsAppName,
  IsPageSize,
  IsRunBy,
  IsTaskId,
  IsTime,
  IsWhole,
  Optional,
} from '../context/message-fields.js';

/** Rules of fields that several queries have: whatever comes in is bounded. */
const MAX_TYPES = 100;
const MAX_IDS = 1_000;
/** Characters of a cursor: a name of the greatest length in base64, and some. */
const MAX_CURSOR = 8 * 1024;

const listOf = (max: number, ...each: PropertyDecorator[]): PropertyDecorator =>
  all(IsArray(), ArrayMinSize(1), ArrayMaxSize(max), ...each);

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

export const AreTaskIds = (): PropertyDecorator =>
  listOf(MAX_IDS, Matches(TASK_ID_PATTERN, { each: true, message: NOT_AN_ID }));
export const AreTaskTypes = (): PropertyDecorator =>
  listOf(MAX_TYPES, Matches(TASK_TYPE_PATTERN, { each: true }));
export const AreStatuses = (): PropertyDecorator =>
  listOf(VISIBLE_STATUSES.length, IsIn(VISIBLE_STATUSES, { each: true }));
export const IsCursor = (): PropertyDecorator => HasLength(1, MAX_CURSOR);

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
