import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PermanentTaskError } from '@taskmanager/client';
import { isPublicAddress } from '@taskmanager/public-address';
import type { WorkerContext } from '../worker-context.js';
import { assertPlainRepository } from './plain-repository.js';

/** What git is given of a URL that was checked. */
export interface CloneSource {
  readonly url: string;
  /** Of `git clone`. */
  readonly options?: readonly string[];
  /** As of `git -c`. */
  readonly settings: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** ssh reads neither its own nor the machine's configuration, asks nobody and believes no new host. */
const SSH = [
  'ssh -F none',
  ...[
    'BatchMode=yes',
    'User=git',
    'StrictHostKeyChecking=yes',
    'CheckHostIP=no',
    'UpdateHostKeys=no',
    'ClearAllForwardings=yes',
    'ForwardAgent=no',
    'PermitLocalCommand=no',
    'ProxyCommand=none',
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
  ],
].join(' -o ');

/**
 * Looks the host up, once, and holds git to what was found: a second answer of the name server counts
 * for nothing.
 * @throws PermanentTaskError when the place is not one that workers go to
 */
export async function cloneSource(url: string, context: WorkerContext): Promise<CloneSource> {
  const [, scheme = '', hostAndPort = '', path = ''] =
    /^(https|ssh|file):\/\/([^/]*)(\/.*)$/.exec(url) ?? [];
  if (scheme === 'file') return fileSource(url, context);
  const [, written = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(hostAndPort) ?? [];
  const host = written.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  const addresses = await addressesOf(host, context);
  const place = `${bracketed([host])}${port === '' ? '' : `:${port}`}`;
  const remote = `${scheme}://${place}${path}`;
  return scheme === 'https'
    ? httpsSource(remote, host, port === '' ? '443' : port, addresses, context)
    : sshSource(remote, host, port, addresses);
}

function httpsSource(
  url: string,
  host: string,
  port: string,
  addresses: readonly string[],
  { gitCaFile }: WorkerContext,
): CloneSource {
  return {
    url,
    settings: [
      // A literal address is connected to without a look-up.
      ...(isIP(host) ? [] : [`http.curloptResolve=${host}:${port}:${bracketed(addresses)}`]),
      'http.followRedirects=false',
      'http.proxy=',
      'http.sslVerify=true',
      // A server that says nothing for a minute is given up.
      'http.lowSpeedLimit=1',
      'http.lowSpeedTime=60',
      ...(gitCaFile === undefined ? [] : [`http.sslCAInfo=${gitCaFile}`]),
    ],
    environment: { GIT_ALLOW_PROTOCOL: 'https' },
  };
}

function sshSource(
  url: string,
  host: string,
  port: string,
  addresses: readonly string[],
): CloneSource {
  const known = port === '' || port === '22' ? host : `[${host}]:${port}`;
  const pinned = `-o 'HostName=${addresses[0]}' -o 'HostKeyAlias=${known}'`;
  return {
    url,
    settings: [],
    environment: {
      GIT_ALLOW_PROTOCOL: 'ssh',
      GIT_SSH_COMMAND: `${SSH} ${pinned}`,
      GIT_SSH_VARIANT: 'ssh',
    },
  };
}

async function fileSource(url: string, { roots }: WorkerContext): Promise<CloneSource> {
  let path: string;
  try {
    path = fileURLToPath(url);
  } catch (error) {
    throw new PermanentTaskError(`url names no file: ${(error as Error).message}`);
  }
  const repository = await assertPlainRepository(await roots.inside(path, 'url'), url);
  return {
    url: pathToFileURL(repository).href,
    // Strict: or git would take `x.git`, or where that points, when it can make nothing of `x`.
    options: ['--upload-pack=git-upload-pack --strict'],
    settings: [],
    environment: { GIT_ALLOW_PROTOCOL: 'file' },
  };
}

async function addressesOf(
  host: string,
  { allowPrivateAddresses, lookup = lookupAll }: WorkerContext,
): Promise<readonly string[]> {
  // Resolvers and curl need not agree on what 0x7f.1 or 127.1 is.
  if (!isIP(host) && /(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(host))
    throw new PermanentTaskError(
      `${host} is neither a host name nor an address in its usual form.`,
    );
  const found = await lookup(host).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EAI_AGAIN') throw new Error(`No name server answers for ${host}.`);
    throw new PermanentTaskError(`The host ${host} is not known.`);
  });
  if (!allowPrivateAddresses && !found.every(isPublicAddress))
    throw new PermanentTaskError(
      `${host} leads to an address that is not public; workers go there only with WORKER_ALLOW_PRIVATE=true.`,
    );
  return found;
}

async function lookupAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

const bracketed = (addresses: readonly string[]): string =>
  addresses.map((address) => (isIPv6(address) ? `[${address}]` : address)).join(',');
