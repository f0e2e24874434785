import { SettingError } from './setting-error.js';
import { VARIABLES } from './variables.js';

/** What stands in EVENTSTOREDB_URL. */
export interface EventStoreDbUrl {
  readonly hosts: readonly { readonly address: string; readonly port: number }[];
  readonly discover: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** By their names in small letters, without hyphens and underscores. */
  readonly parameters: ReadonlyMap<string, string>;
}

const FORM =
  /^(?:esdb|kurrentdb|kdb)(\+discover)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^?/]+)\/?(?:\?(.*))?$/i;
const HOST = /^([^\s:,[\]]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;
const DEFAULT_PORT = 2113;

/** What may stand behind the `?`; all else has a variable of its own, or does harm with this client. */
const PARAMETERS = [
  'tls',
  'tlscafile',
  'usercertfile',
  'userkeyfile',
  'nodepreference',
  'connectionname',
];

/** @throws SettingError that shows nothing of the URL, which may hold a password */
export function parseEventStoreDbUrl(url: string): EventStoreDbUrl {
  const [, discover, user, password, hosts = '', query = ''] = FORM.exec(url) ?? refuseUrl();
  return {
    hosts: hosts.split(',').map(readHost),
    discover: discover !== undefined,
    user: decoded(user),
    password: decoded(password),
    parameters: readParameters(query),
  };
}

export function refuseUrl(why?: string): never {
  throw new SettingError(VARIABLES.eventStoreDbUrl, '', why);
}

function readParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const key = name.toLowerCase().replace(/[_-]/g, '');
    if (!PARAMETERS.includes(key)) {
      refuseUrl(
        `of what may stand behind the "?" only ${PARAMETERS.join(', ')}: there are variables for the rest`,
      );
    }
    parameters.set(key, value);
  }
  return parameters;
}

function readHost(text: string): { address: string; port: number } {
  const [, address = '', port = String(DEFAULT_PORT)] = HOST.exec(text.trim()) ?? refuseUrl();
  return { address, port: Number(port) };
}

function decoded(part: string | undefined): string | undefined {
  if (part === undefined || part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return refuseUrl('user and password with % before two hex digits where a character needs it');
  }
}
