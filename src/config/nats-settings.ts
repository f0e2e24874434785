import type { Environment } from './environment.js';
import { SettingError } from './setting-error.js';
import { readTls, type TlsFiles } from './tls-files.js';
import { VARIABLES } from './variables.js';

export interface NatsSettings {
  readonly servers: readonly string[];
  readonly queue: string;
  /** Whether events are published on `tasks.event.>`. */
  readonly events: boolean;
  readonly login:
    | { readonly kind: 'none' }
    | { readonly kind: 'password'; readonly user: string; readonly pass?: string }
    | { readonly kind: 'token'; readonly token: string }
    | { readonly kind: 'nkey'; readonly seed: string }
    | { readonly kind: 'creds'; readonly creds: string };
  readonly tls?: TlsFiles;
}

export function readNats(env: Environment): NatsSettings {
  const servers = env
    .text(VARIABLES.natsUrl)
    .split(',')
    .map((server) => server.trim());
  for (const server of servers) {
    if (server.includes('@')) {
      const why = 'no user or password in it: use NATS_USER and NATS_PASSWORD, or NATS_TOKEN';
      throw new SettingError({ ...VARIABLES.natsUrl, secret: true }, '', why);
    }
    if (
      !/^((nats|tls):\/\/)?[^\s/:]+(:\d{1,5})?$|^((nats|tls):\/\/)?\[[0-9a-f:]+\](:\d{1,5})?$/i.test(
        server,
      )
    ) {
      throw new SettingError(VARIABLES.natsUrl, server);
    }
  }
  const tls = readTls(env, 'nats');
  return {
    servers,
    queue: env.matching(VARIABLES.natsQueue, /^[^\s.*>]+$/),
    events: env.flag(VARIABLES.natsEvents),
    login: readLogin(env),
    ...(tls ? { tls } : {}),
  };
}

function readLogin(env: Environment): NatsSettings['login'] {
  const user = env.optional(VARIABLES.natsUser);
  const pass = env.optional(VARIABLES.natsPassword);
  const token = env.optional(VARIABLES.natsToken);
  const seed = env.fileContent(VARIABLES.natsNkeyFile)?.trim();
  const creds = env.fileContent(VARIABLES.natsCredsFile);
  if ([user, token, seed, creds].filter((given) => given !== undefined).length > 1) {
    const why = 'only one of NATS_USER, NATS_TOKEN, NATS_NKEY_FILE and NATS_CREDS_FILE';
    throw new SettingError({ ...VARIABLES.natsToken, name: 'The NATS login' }, '', why);
  }
  if (user !== undefined) {
    return { kind: 'password', user, ...(pass === undefined ? {} : { pass }) };
  }
  if (token !== undefined) return { kind: 'token', token };
  if (seed !== undefined) return { kind: 'nkey', seed };
  if (creds !== undefined) return { kind: 'creds', creds };
  return { kind: 'none' };
}
