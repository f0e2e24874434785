import { readFileSync } from 'node:fs';
import type { Environment } from './environment.js';
import { parseEventStoreDbUrl, refuseUrl } from './eventstoredb-url.js';
import { SettingError } from './setting-error.js';
import { VARIABLES } from './variables.js';

/** Any but `leader` may answer with what was true a moment ago. */
const NODE_PREFERENCES = ['leader', 'follower', 'random', 'read_only_replica'] as const;

export interface EventStoreDbSettings {
  readonly server: {
    readonly hosts: readonly { readonly address: string; readonly port: number }[];
    /** Ask the host for the members of its cluster, even if it is the only one named. */
    readonly discover: boolean;
    /** PEM texts; undefined: no TLS. */
    readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
    readonly login?: { readonly username: string; readonly password: string };
    readonly nodePreference: (typeof NODE_PREFERENCES)[number];
    readonly keepAliveMs: number;
    readonly keepAliveTimeoutMs: number;
    readonly connectionName: string;
  };
  readonly streamPrefix: string;
  readonly timeoutMs: number;
  readonly startTimeoutMs: number;
}

/** The URL may hold a password, so no message shows any of it. */
export function readEventStoreDb(env: Environment): EventStoreDbSettings {
  const url = env.optional(VARIABLES.eventStoreDbUrl);
  if (url === undefined) {
    throw new SettingError(
      VARIABLES.eventStoreDbUrl,
      undefined,
      `${VARIABLES.eventStoreDbUrl.allowed}; EVENT_STORE=eventstoredb needs it`,
    );
  }
  const { hosts, discover, user, password, parameters } = parseEventStoreDbUrl(url);
  const login = readLogin(env, user, password);
  const tls = readTls(env, parameters);
  if (login && !tls) {
    refuseUrl(
      'no login without TLS: the client would not send it. Leave out tls=false, or the login',
    );
  }
  return {
    server: {
      hosts,
      discover,
      ...(tls ? { tls } : {}),
      ...(login ? { login } : {}),
      nodePreference: readPreference(env, parameters.get('nodepreference')),
      keepAliveMs: env.number(VARIABLES.eventStoreDbKeepAliveMs),
      keepAliveTimeoutMs: env.number(VARIABLES.eventStoreDbKeepAliveTimeoutMs),
      connectionName: parameters.get('connectionname') ?? 'taskmanager',
    },
    streamPrefix: env.matching(VARIABLES.eventStoreDbStreamPrefix, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/),
    timeoutMs: env.number(VARIABLES.eventStoreDbTimeoutMs),
    startTimeoutMs: env.number(VARIABLES.eventStoreDbStartTimeoutMs),
  };
}

/** A login of its own variables goes before that of the URL. */
function readLogin(
  env: Environment,
  user: string | undefined,
  password: string | undefined,
): { username: string; password: string } | undefined {
  const username = env.optional(VARIABLES.eventStoreDbUsername) ?? user;
  const inFile = env.fileContent(VARIABLES.eventStoreDbPasswordFile)?.trim();
  const given = env.optional(VARIABLES.eventStoreDbPassword);
  if (inFile !== undefined && given !== undefined) {
    const why = `only one of ${VARIABLES.eventStoreDbPassword.name} and ${VARIABLES.eventStoreDbPasswordFile.name}`;
    throw new SettingError(VARIABLES.eventStoreDbPassword, '', why);
  }
  const secret = inFile ?? given ?? password;
  if (username === undefined && secret === undefined) return undefined;
  if (username === undefined)
    throw new SettingError(VARIABLES.eventStoreDbUsername, undefined, 'needed beside a password');
  if (secret === undefined)
    throw new SettingError(VARIABLES.eventStoreDbPassword, undefined, 'needed beside a user name');
  return { username, password: secret };
}

function readTls(
  env: Environment,
  parameters: ReadonlyMap<string, string>,
): EventStoreDbSettings['server']['tls'] {
  const ca = env.fileContent(VARIABLES.eventStoreDbTlsCaFile) ?? pemOf(parameters.get('tlscafile'));
  const tls = parameters.get('tls') ?? 'true';
  if (tls !== 'true' && tls !== 'false') refuseUrl('tls=true or tls=false');
  const cert = pemOf(parameters.get('usercertfile'));
  const key = pemOf(parameters.get('userkeyfile'));
  if ((cert === undefined) !== (key === undefined))
    refuseUrl('userCertFile and userKeyFile together');
  if (tls === 'false') {
    if (ca !== undefined || cert !== undefined) refuseUrl('no certificates beside tls=false');
    return undefined;
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function pemOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return refuseUrl(`readable files (${(error as Error).message})`);
  }
}

function readPreference(
  env: Environment,
  inUrl: string | undefined,
): (typeof NODE_PREFERENCES)[number] {
  const variable = VARIABLES.eventStoreDbNodePreference;
  if (env.optional(variable) !== variable.fallback || inUrl === undefined) {
    return env.oneOf(variable, NODE_PREFERENCES);
  }
  const wanted = inUrl.toLowerCase().replace(/[_-]/g, '');
  const found = NODE_PREFERENCES.find((preference) => preference.replaceAll('_', '') === wanted);
  return found ?? refuseUrl(`nodePreference ${variable.allowed}`);
}
