import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Settings, settingsHelp, settingsTable, VARIABLES } from './index.js';

describe('Settings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-settings-'));
  const file = (name: string) => join(folder, name);

  beforeAll(() => {
    for (const name of ['cert', 'key', 'ca', 'seed', 'creds'])
      writeFileSync(file(name), `${name}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has a default for everything, and empty is the same as missing', () => {
    for (const env of [{}, { DATA_DIR: '', TCP_PORT: ' ', NATS_URL: '' }]) {
      expect(new Settings(env)).toMatchObject({
        dataDir: resolve('data'),
        eventStore: 'sqlite',
        authFile: undefined,
        tcp: { host: '127.0.0.1', port: 4010, maxConnections: 2_000 },
        nats: undefined,
        limits: { inFlight: 1_024, inFlightPerConnection: 256, waiting: 10_000 },
        shutdownTimeoutMs: 10_000,
        logLevel: 'info',
      });
    }
  });

  it.each([
    [{ TCP_PORT: '70000' }, 'TCP_PORT is "70000"; allowed: a whole number from 0 to 65535'],
    [{ TCP_PORT: '1e3' }, 'TCP_PORT is "1e3"'],
    [{ TCP_HOST: '0.0.0.0' }, 'TCP_HOST is "0.0.0.0"; allowed: a loopback address'],
    [{ EVENT_STORE: 'postgres' }, 'EVENT_STORE is "postgres"; allowed: sqlite'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud"; allowed: error, warn, info or debug'],
    [{ SHUTDOWN_TIMEOUT_MS: '-1' }, 'SHUTDOWN_TIMEOUT_MS'],
    [{ TCP_TLS_CERT: '/nowhere' }, 'TCP_TLS_CERT is "/nowhere"; allowed: a readable file'],
    [{ TCP_TLS_CLIENT_CERT: 'yes' }, 'TCP_TLS_CLIENT_CERT is "yes"; allowed: true or false'],
    [{ TCP_TLS_CLIENT_CERT: 'true' }, 'true only with TCP_TLS_CA'],
    [{ NATS_URL: 'http://x' }, 'NATS_URL is "http://x"'],
    [{ NATS_URL: 'nats://a:4222,,' }, 'NATS_URL'],
    [{ NATS_URL: 'a', NATS_QUEUE: 'a.b' }, 'NATS_QUEUE is "a.b"'],
    [{ NATS_URL: 'a', NATS_USER: 'u', NATS_TOKEN: 't' }, 'only one of'],
  ])('%j is refused in one line: %s', (env, message) => {
    expect(() => new Settings(env)).toThrow(message);
    expect(() => new Settings(env)).not.toThrow('\n');
  });

  it('never shows a secret, right or wrong', () => {
    const env = { NATS_URL: 'nats://user:hunter2@host' };
    expect(() => new Settings(env)).toThrow('NATS_URL is (not shown)');
    expect(() => new Settings(env)).not.toThrow('hunter2');
  });

  it('reads TLS files; a certificate and its key come together', () => {
    const tls = { TCP_TLS_CERT: file('cert'), TCP_TLS_KEY: file('key'), TCP_TLS_CA: file('ca') };
    expect(new Settings({ ...tls, TCP_TLS_CLIENT_CERT: 'true' }).tcp.tls).toEqual({
      cert: 'cert\n',
      key: 'key\n',
      ca: 'ca\n',
      requireClientCert: true,
    });
    expect(() => new Settings({ TCP_TLS_CERT: file('cert') })).toThrow('TCP_TLS_KEY is missing');
    expect(() => new Settings({ TCP_TLS_KEY: file('key') })).toThrow('TCP_TLS_CERT is missing');
    expect(() => new Settings({ TCP_TLS_CA: file('ca') })).toThrow('TCP_TLS_CERT is missing');
  });

  it.each([
    [{}, { kind: 'none' }],
    [
      { NATS_USER: 'u', NATS_PASSWORD: 'p' },
      { kind: 'password', user: 'u', pass: 'p' },
    ],
    [{ NATS_TOKEN: 't' }, { kind: 'token', token: 't' }],
    [{ NATS_NKEY_FILE: file('seed') }, { kind: 'nkey', seed: 'seed' }],
    [{ NATS_CREDS_FILE: file('creds') }, { kind: 'creds', creds: 'creds\n' }],
  ])('logs in to the broker with %j', (env, login) => {
    const { nats } = new Settings({ NATS_URL: 'a, nats://b:4223,tls://[::1]:4222', ...env });
    expect(nats).toMatchObject({ servers: ['a', 'nats://b:4223', 'tls://[::1]:4222'], login });
  });

  it('are all in the help and in the docs’ table', () => {
    for (const { name } of Object.values(VARIABLES)) {
      expect(settingsHelp()).toContain(name);
      expect(settingsTable()).toContain(`\`${name}\``);
    }
  });
});
