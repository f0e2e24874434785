import { LIMITS, TASK_TYPE_PATTERN, type WorkRule } from '@taskmanager/protocol';
import { IsString, Matches, MinLength, ValidateBy, type ValidationOptions } from 'class-validator';
import { all, HasLength, IsWhole, rule } from '../context/message-fields.js';

export {
  HasLength,
  IsAppName,
  IsRunBy,
  IsTaskId,
  IsTime,
  IsWhole,
  Optional,
} from '../context/message-fields.js';

/** Rules of fields that several commands have. A size past its limit is `PAYLOAD_TOO_LARGE`. */
const TOO_LARGE: ValidationOptions = { context: { code: 'PAYLOAD_TOO_LARGE' } };

const withinBytes = (name: string, limit: number, text: (value: unknown) => string | undefined) =>
  rule(
    name,
    `must not be larger than ${limit} bytes`,
    (value) => {
      const written = text(value);
      return written === undefined || Buffer.byteLength(written) <= limit;
    },
    TOO_LARGE,
  );

/** Deeper than anything a person would read, and far from what would overflow a stack. */
const MAX_DEPTH = 100;

/** Numbers past a double's range become Infinity when parsed, and would be stored as null. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  for (const item of Object.values(value)) if (!isJson(item, depth - 1)) return false;
  return true;
}

/** `data`, `input`, `result` and `checkpoint`: any JSON. */
export const IsPayload = (): PropertyDecorator =>
  all(
    rule(
      'isPayload',
      `must be JSON nested at most ${MAX_DEPTH} deep, its numbers finite`,
      (value) => value !== undefined && isJson(value, MAX_DEPTH),
    ),
    withinBytes('payloadSize', LIMITS.payloadBytes, (value) =>
      isJson(value, MAX_DEPTH) ? JSON.stringify(value) : undefined,
    ),
  );

/** `error`, `message`, `reason`, `comment`: text for people. */
export const IsText = (): PropertyDecorator =>
  all(
    IsString(),
    withinBytes('textSize', LIMITS.textBytes, (value) =>
      typeof value === 'string' ? value : undefined,
    ),
  );

/** Text that must say something. */
export const IsStatement = (): PropertyDecorator => all(IsText(), MinLength(1));

export const IsTaskType = (options?: ValidationOptions): PropertyDecorator =>
  Matches(TASK_TYPE_PATTERN, options);

export const IsWorkerId = (): PropertyDecorator => HasLength(1, LIMITS.actorIdLength);

/** Milliseconds, 0 to ten years. */
export const IsDuration = (min = 0): PropertyDecorator => IsWhole(min, LIMITS.durationMs);

export const IsLeaseMs = (): PropertyDecorator => IsWhole(LIMITS.leaseMsMin, LIMITS.leaseMsMax);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isDuration = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LIMITS.durationMs;

const hasOnly = (value: Record<string, unknown>, keys: readonly string[]): boolean =>
  Object.keys(value).every((key) => keys.includes(key));

export const IsBackoff = (): PropertyDecorator =>
  rule(
    'isBackoff',
    "must be { type: 'fixed' | 'exponential', maxDelayMs?: milliseconds }",
    (value) =>
      isObject(value) &&
      hasOnly(value, ['type', 'maxDelayMs']) &&
      (value['type'] === 'fixed' || value['type'] === 'exponential') &&
      (value['maxDelayMs'] === undefined || isDuration(value['maxDelayMs'])),
  );

const CLOCKS = ['queueMs', 'runMs', 'totalMs'];

export const IsTimeouts = (): PropertyDecorator =>
  rule(
    'isTimeouts',
    'must be { queueMs?, runMs?, totalMs? }, each milliseconds above 0',
    (value) =>
      isObject(value) &&
      hasOnly(value, CLOCKS) &&
      Object.values(value).every((ms) => isDuration(ms) && (ms as number) > 0),
  );

export const IsLabels = (): PropertyDecorator =>
  all(
    rule(
      'isLabels',
      'must be an object of text values',
      (value) => isObject(value) && Object.values(value).every((text) => typeof text === 'string'),
    ),
    rule(
      'labelsSize',
      `must be at most ${LIMITS.labels} labels of ${LIMITS.labelLength} characters each`,
      (value) =>
        !isObject(value) ||
        (Object.keys(value).length <= LIMITS.labels &&
          Object.entries(value).every(
            ([key, text]) =>
              key.length <= LIMITS.labelLength && String(text).length <= LIMITS.labelLength,
          )),
      TOO_LARGE,
    ),
  );

/** A rule of an input of our own task types, which their workers check again. */
export const Obeys = (name: string, obeyed: WorkRule): PropertyDecorator =>
  ValidateBy({
    name,
    validator: {
      validate: (value) => obeyed(value) === undefined,
      defaultMessage: (args) => `$property ${obeyed(args?.value)}`,
    },
  });
