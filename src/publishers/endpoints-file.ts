import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LIMITS } from '@taskmanager/protocol';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import {
  ENDPOINT_NAME,
  isSecret,
  MAX_APPROVERS,
  MAX_ENDPOINTS_OF_APPROVER,
  MAX_FILE_BYTES,
  MAX_WEBHOOKS,
  SECRET_RULE,
  WebhookEntry,
} from './endpoints-entries.js';
import { WebhookEndpoint } from './webhook-endpoint.js';

/** The endpoints file cannot be used: one line with file, endpoint and field, never a value of it. */
export class EndpointsFileError extends Error {
  override readonly name = 'EndpointsFileError';

  constructor(path: string, problem: string) {
    super(`ENDPOINTS_FILE ${path}: ${problem}`);
  }
}

type Fail = (problem: string) => never;

/** What the file says. @throws EndpointsFileError */
export function readEndpoints(path: string): {
  readonly webhooks: readonly WebhookEndpoint[];
  readonly approvers: ReadonlyMap<string, readonly string[]>;
} {
  const fail: Fail = (problem) => {
    throw new EndpointsFileError(path, problem);
  };
  const { webhooks, approvers, ...others } = parse(path, fail);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) fail(`unknown field ${shown(unknown)}`);
  const endpoints = readWebhooks(webhooks ?? [], dirname(resolve(path)), fail);
  const names = new Set(endpoints.map(({ name }) => name));
  if (names.size < endpoints.length) fail('two webhooks have the same name');
  return { webhooks: endpoints, approvers: readApprovers(approvers ?? {}, names, fail) };
}

function parse(path: string, fail: Fail): Record<string, unknown> {
  const content = parseJson(readText(path, fail), fail);
  if (!isObject(content)) fail('it must be an object: { webhooks, approvers }');
  return content as Record<string, unknown>;
}

function readText(path: string, fail: Fail): string {
  try {
    if (statSync(path).size <= MAX_FILE_BYTES) return readFileSync(path, 'utf8');
  } catch (error) {
    return fail(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  return fail(`it is larger than ${MAX_FILE_BYTES} bytes`);
}

/** JSON's own message would quote the file, secrets and all. */
function parseJson(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail('it is no JSON');
  }
}

function readWebhooks(list: unknown, folder: string, fail: Fail): WebhookEndpoint[] {
  if (!Array.isArray(list) || list.length > MAX_WEBHOOKS) {
    return fail(`webhooks must be a list of at most ${MAX_WEBHOOKS}`);
  }
  return list.map((item: unknown, index) => {
    if (!isObject(item)) return fail(`webhooks[${index}] must be an object`);
    const name = (item as { readonly name?: unknown }).name;
    const isNamed = typeof name === 'string' && ENDPOINT_NAME.test(name);
    const failHere: Fail = (problem) =>
      fail(`${isNamed ? `webhook "${name}"` : `webhooks[${index}]`}: ${problem}`);
    const entry = checked(item, failHere);
    return new WebhookEndpoint(entry, secretOf(entry, folder, failHere));
  });
}

function checked(item: object, fail: Fail): WebhookEntry {
  const entry = plainToInstance(WebhookEntry, item);
  const errors = validateSync(entry, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: false,
  });
  const problems = errors.flatMap(({ property, value, constraints = {} }) => {
    if ('whitelistValidation' in constraints) return `unknown field ${shown(property)}`;
    return value === undefined ? `${property} is missing` : Object.values(constraints);
  });
  if (problems.length > 0) fail(problems.join('; '));
  return entry;
}

function secretOf({ secret, secretFile }: WebhookEntry, folder: string, fail: Fail): string {
  if ((secret === undefined) === (secretFile === undefined)) {
    return fail('one of secret and secretFile must be there, and only one');
  }
  if (secret !== undefined) return secret;
  const text = readText(resolve(folder, secretFile ?? ''), (why) => fail(`secretFile: ${why}`));
  return isSecret(text.trim()) ? text.trim() : fail(`what is in secretFile ${SECRET_RULE}`);
}

function readApprovers(
  map: unknown,
  names: ReadonlySet<string>,
  fail: Fail,
): ReadonlyMap<string, readonly string[]> {
  if (!isObject(map) || Object.keys(map).length > MAX_APPROVERS) {
    return fail(`approvers must be an object of at most ${MAX_APPROVERS} approvers`);
  }
  const entries = Object.entries(map).map(([approver, list]): [string, readonly string[]] => {
    const where = `approver ${shown(approver)}`;
    if (approver.length < 1 || approver.length > LIMITS.actorIdLength) {
      fail(`${where}: it must be an actor id or role:<name>`);
    }
    if (!Array.isArray(list) || list.length < 1 || list.length > MAX_ENDPOINTS_OF_APPROVER) {
      return fail(`${where}: it must be a list of 1 to ${MAX_ENDPOINTS_OF_APPROVER} endpoints`);
    }
    const stranger: unknown = list.find((name) => !names.has(name as string));
    if (stranger !== undefined) fail(`${where}: it names an endpoint that is not in webhooks`);
    return [approver, [...new Set(list as string[])]];
  });
  return new Map(entries);
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A key of the file as it may stand in one line. */
const shown = (key: string): string => JSON.stringify(key.slice(0, 100));
