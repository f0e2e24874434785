import { delimiter, join, resolve } from 'node:path';
import type { Environment } from './environment.js';
import { SettingError } from './setting-error.js';
import type { TcpSettings } from './tcp-settings.js';
import { isLoopback } from './tcp-settings.js';
import { VARIABLES } from './variables.js';

/** The process of workers that the service starts beside itself. */
export interface WorkersSettings {
  /** Why it is not started; undefined: it is. */
  readonly off: string | undefined;
  readonly token: string | undefined;
  /** Absolute; the first is where workers keep what is theirs. */
  readonly roots: readonly [string, ...string[]];
}

/** What of the other settings decides whether workers are safe to start. */
export interface Reach {
  readonly dataDir: string;
  readonly tcp: TcpSettings;
  readonly usesNats: boolean;
  readonly usesTokens: boolean;
}

/** @throws SettingError when workers are wanted that could not connect */
export function readWorkers(env: Environment, reach: Reach): WorkersSettings {
  const wanted = env.oneOf(VARIABLES.workers, ['auto', 'on', 'off']);
  const token = env.optional(VARIABLES.workersToken);
  const named = env.optional(VARIABLES.workerRoots)?.split(delimiter).filter(Boolean) ?? [];
  const [first = join(reach.dataDir, 'work'), ...others] = named;
  const roots = [resolve(first), ...others.map((root) => resolve(root))] as const;
  const impossible = whyImpossible(reach, token);
  if (wanted === 'on' && impossible !== undefined)
    throw new SettingError(VARIABLES.workers, wanted, `auto or off, for ${impossible}`);
  return { off: wanted === 'on' ? undefined : whyOff(wanted, reach, impossible), token, roots };
}

function whyOff(
  wanted: 'auto' | 'off',
  { tcp, usesNats }: Reach,
  impossible: string | undefined,
): string | undefined {
  if (wanted === 'off') return 'WORKERS=off';
  if (usesNats || !isLoopback(tcp.host))
    return 'other machines reach this service: WORKERS=on, or npm run workers, starts them';
  return impossible;
}

function whyImpossible({ tcp, usesTokens }: Reach, token: string | undefined): string | undefined {
  if (tcp.tls) return 'TCP has TLS: npm run workers starts them';
  if (usesTokens && token === undefined) return 'AUTH_FILE is set and WORKERS_TOKEN is not';
  return undefined;
}
