import { LIMITS, TASK_TYPE_PATTERN, TaskStatus } from '@taskmanager/protocol';
import type { Environment } from './environment.js';
import { SettingError } from './setting-error.js';
import { VARIABLES } from './variables.js';

const ENDED: readonly TaskStatus[] = [
  TaskStatus.Completed,
  TaskStatus.Failed,
  TaskStatus.Cancelled,
];
const ONE_HOUR_MS = 3_600_000;
const MIN_EVERY_MS = 1_000;
/** The longest that a timer of Node waits. */
const MAX_EVERY_MS = 2_147_483_647;
const MAX_RULES = 100;
const MAX_TASK_TYPES = 100;

/** Which tasks are deleted, and when. */
export interface RetentionRule {
  /** All when missing. */
  readonly taskTypes?: readonly string[];
  /** All when missing. */
  readonly appName?: string;
  readonly statuses: readonly TaskStatus[];
  /** Milliseconds since the task ended. */
  readonly maxAgeMs: number;
}

export interface RetentionSettings {
  /** Milliseconds between two runs. */
  readonly everyMs: number;
  readonly rules: readonly RetentionRule[];
}

type Fields = Readonly<Record<string, unknown>>;
/** Says where in the file what is wrong. */
type Fail = (problem: string) => never;

/**
 * What the file of RETENTION_FILE says; undefined when there is none.
 * @throws SettingError with one line that names the rule and its field
 */
export function readRetention(env: Environment): RetentionSettings | undefined {
  const variable = VARIABLES.retentionFile;
  const text = env.fileContent(variable);
  if (text === undefined) return undefined;
  const fail: Fail = (problem) => {
    throw new SettingError(variable, env.optional(variable), problem);
  };
  const { everyMs = ONE_HOUR_MS, rules, ...others } = objectIn(parsed(text, fail), fail);
  refuseOthers(others, fail);
  if (!isWhole(everyMs, MIN_EVERY_MS, MAX_EVERY_MS)) {
    return fail(`everyMs: a whole number from ${MIN_EVERY_MS} to ${MAX_EVERY_MS}`);
  }
  if (!isList(rules, MAX_RULES)) return fail(`rules: a list of 1 to ${MAX_RULES}`);
  return {
    everyMs,
    rules: rules.map((rule, at) => ruleOf(rule, (why) => fail(`rules[${at}]: ${why}`))),
  };
}

function parsed(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail('a file of JSON');
  }
}

function ruleOf(value: unknown, fail: Fail): RetentionRule {
  const { taskTypes, appName, statuses = ENDED, maxAgeMs, ...others } = objectIn(value, fail);
  refuseOthers(others, fail);
  if (!isWhole(maxAgeMs, 0, LIMITS.durationMs)) {
    return fail(`maxAgeMs: a whole number from 0 to ${LIMITS.durationMs}`);
  }
  if (!isList(statuses, ENDED.length) || !statuses.every(isEnded)) {
    return fail(`statuses: some of ${ENDED.join(', ')}`);
  }
  if (taskTypes !== undefined && !(isList(taskTypes, MAX_TASK_TYPES) && taskTypes.every(isType))) {
    return fail(`taskTypes: a list of 1 to ${MAX_TASK_TYPES} task types`);
  }
  if (appName !== undefined && !isName(appName)) {
    return fail(`appName: text of 1 to ${LIMITS.appNameLength} characters`);
  }
  return {
    ...(taskTypes === undefined ? {} : { taskTypes }),
    ...(appName === undefined ? {} : { appName }),
    statuses,
    maxAgeMs,
  };
}

function objectIn(value: unknown, fail: Fail): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  return fail('an object');
}

/** A misspelt filter would delete more than was meant. */
function refuseOthers(others: Fields, fail: Fail): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) fail(`no field ${JSON.stringify(unknown.slice(0, 100))}`);
}

const isWhole = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
const isList = (value: unknown, max: number): value is readonly unknown[] =>
  Array.isArray(value) && value.length >= 1 && value.length <= max;
const isEnded = (value: unknown): value is TaskStatus => ENDED.includes(value as TaskStatus);
const isType = (value: unknown): value is string =>
  typeof value === 'string' && TASK_TYPE_PATTERN.test(value);
const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length >= 1 && value.length <= LIMITS.appNameLength;
