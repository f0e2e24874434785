import {
  credsAuthenticator,
  nkeyAuthenticator,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import type { NatsSettings } from './nats-settings.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** How to reach the broker and, once connected, to come back to it for ever. */
export function natsOptions({ servers, login, tls }: NatsSettings): NodeConnectionOptions {
  return {
    servers: [...servers],
    name: 'taskmanager',
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    // A broker whose users are being changed refuses for a while; that is no reason to stay away.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    pingInterval: 15_000,
    noAsyncTraces: true,
    ...(tls ? { tls } : {}),
    ...credentials(login),
  };
}

function credentials(login: NatsSettings['login']): NodeConnectionOptions {
  switch (login.kind) {
    case 'none':
      return {};
    case 'password':
      return { user: login.user, ...(login.pass === undefined ? {} : { pass: login.pass }) };
    case 'token':
      return { token: login.token };
    case 'nkey':
      return { authenticator: nkeyAuthenticator(Buffer.from(login.seed)) };
    case 'creds':
      return { authenticator: credsAuthenticator(Buffer.from(login.creds)) };
  }
}
