import { isIP } from 'node:net';
import type { Environment } from './environment.js';
import { SettingError } from './setting-error.js';
import { readTls, type TlsFiles } from './tls-files.js';
import { VARIABLES } from './variables.js';

export interface TcpSettings {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsFiles & { readonly requireClientCert: boolean };
  readonly maxConnections: number;
  readonly frameTimeoutMs: number;
}

/** @param authenticated tokens say who connects; without them only this machine may */
export function readTcp(env: Environment, authenticated: boolean): TcpSettings {
  const host = env.text(VARIABLES.tcpHost);
  if (!authenticated && !isLoopback(host)) {
    const why =
      'a loopback address (127.0.0.1, ::1, localhost), unless AUTH_FILE says who may connect';
    throw new SettingError(VARIABLES.tcpHost, host, why);
  }
  const tls = readTls(env, 'tcp');
  const requireClientCert = env.flag(VARIABLES.tcpTlsClientCert);
  if (requireClientCert && !tls?.ca) {
    throw new SettingError(VARIABLES.tcpTlsClientCert, 'true', 'true only with TCP_TLS_CA');
  }
  if (tls && !tls.cert) {
    throw new SettingError(VARIABLES.tcpTlsCert, undefined, 'needed beside TCP_TLS_CA');
  }
  return {
    host,
    port: env.number(VARIABLES.tcpPort),
    ...(tls ? { tls: { ...tls, requireClientCert } } : {}),
    maxConnections: env.number(VARIABLES.tcpMaxConnections),
    frameTimeoutMs: env.number(VARIABLES.tcpFrameTimeoutMs),
  };
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
