import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import type { ConnectOptions } from '@taskmanager/client';
import { type Variable, VARIABLES } from './variables.js';

/** A setting is wrong: one line that names the variable, what was given and what is allowed. */
export class SettingError extends Error {
  override readonly name = 'SettingError';

  constructor({ name, allowed, secret }: Variable, given: string | undefined, why = allowed) {
    const shown = given === undefined ? 'missing' : secret ? '(not shown)' : JSON.stringify(given);
    super(`${name} is ${shown}; allowed: ${why}`);
  }
}

/** How the program is set up. Holds secrets: it is never logged. */
export interface Settings {
  readonly connect: ConnectOptions;
  /** The same without secrets, for people. */
  readonly service: string;
  readonly roots: readonly string[];
  readonly types: readonly string[];
  readonly concurrency: number;
  readonly allowPrivateAddresses: boolean;
  readonly gitCaFile: string | undefined;
  readonly leaseMs: number;
  readonly shutdownMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Broker = Extract<ConnectOptions, { readonly transport: 'nats' }>;

/** @throws SettingError naming the first variable that is wrong */
export function readSettings(env: Environment, known: readonly string[]): Settings {
  const url = text(env, VARIABLES.url);
  const token = optional(env, VARIABLES.token);
  const common = { actor: 'taskmanager-workers', ...(token === undefined ? {} : { token }) };
  return {
    connect: { ...placeOf(env, url), ...common },
    service: url,
    roots: rootsOf(env),
    types: typesOf(env, known),
    concurrency: number(env, VARIABLES.concurrency, 1, 100),
    allowPrivateAddresses: flag(env, VARIABLES.allowPrivate),
    gitCaFile: fileOf(env, VARIABLES.gitCa),
    leaseMs: number(env, VARIABLES.leaseMs, 1_000, 86_400_000),
    shutdownMs: number(env, VARIABLES.shutdownMs, 0, 3_600_000),
  };
}

function placeOf(env: Environment, url: string): ConnectOptions {
  const hidden = { ...VARIABLES.url, secret: true } as const;
  if (url.includes('@')) throw new SettingError(hidden, url);
  const [, scheme, host, port] = /^(tcps?|nats|tls):\/\/([^\s/:]+|\[[0-9a-f:]+\]):(\d{1,5})$/i.exec(
    url,
  ) ?? [undefined, undefined, '', ''];
  if (scheme === undefined) throw new SettingError(VARIABLES.url, url);
  if (scheme.startsWith('tcp')) {
    const place = { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
    return { transport: 'tcp', ...place, ...(scheme === 'tcps' ? { tls: true } : {}) };
  }
  const credentials = credentialsOf(env);
  return { transport: 'nats', servers: url, ...(credentials ? { credentials } : {}) };
}

function credentialsOf(env: Environment): Broker['credentials'] {
  const user = optional(env, VARIABLES.natsUser);
  const pass = optional(env, VARIABLES.natsPassword);
  const token = optional(env, VARIABLES.natsToken);
  const creds = fileOf(env, VARIABLES.natsCredsFile);
  if ([user, token, creds].filter((given) => given !== undefined).length > 1)
    throw new SettingError(
      { ...VARIABLES.natsToken, name: 'The NATS login' },
      '',
      'only one of NATS_USER, NATS_TOKEN and NATS_CREDS_FILE',
    );
  if (user !== undefined) return { user, ...(pass === undefined ? {} : { pass }) };
  if (token !== undefined) return { token };
  return creds === undefined ? undefined : { creds: readFileSync(creds, 'utf8') };
}

function rootsOf(env: Environment): readonly string[] {
  const roots = text(env, VARIABLES.roots).split(delimiter).filter(Boolean);
  if (roots.length === 0) throw new SettingError(VARIABLES.roots, env[VARIABLES.roots.name]);
  return roots.map((root) => resolve(root));
}

function typesOf(env: Environment, known: readonly string[]): readonly string[] {
  const named = optional(env, VARIABLES.types);
  if (named === undefined) return known;
  const types = [...new Set(named.split(',').map((type) => type.trim()))];
  if (!types.every((type) => known.includes(type)))
    throw new SettingError(VARIABLES.types, named, `some of ${known.join(', ')}`);
  return types;
}

function fileOf(env: Environment, variable: Variable): string | undefined {
  const path = optional(env, variable);
  if (path === undefined) return undefined;
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new SettingError(variable, path, `a readable file (${(error as Error).message})`);
  }
  return resolve(path);
}

function flag(env: Environment, variable: Variable): boolean {
  const value = text(env, variable);
  if (value !== 'true' && value !== 'false') throw new SettingError(variable, value);
  return value === 'true';
}

function number(env: Environment, variable: Variable, min: number, max: number): number {
  const value = text(env, variable);
  const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(parsed >= min && parsed <= max)) throw new SettingError(variable, value);
  return parsed;
}

function text(env: Environment, variable: Variable): string {
  const value = optional(env, variable);
  if (value === undefined) throw new SettingError(variable, undefined);
  return value;
}

function optional(env: Environment, { name, fallback }: Variable): string | undefined {
  const given = env[name]?.trim();
  return given === undefined || given === '' ? fallback : given;
}
