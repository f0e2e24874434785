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
    [{ LOG_WRITER_THREAD: 'yes' }, 'LOG_WRITER_THREAD is "yes"; allowed: true, false or auto'],
    [{ EVENT_STORE: 'postgres' }, 'EVENT_STORE is "postgres"; allowed: sqlite'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud"; allowed: error, warn, info or debug'],
    [{ SHUTDOWN_TIMEOUT_MS: '-1' }, 'SHUTDOWN_TIMEOUT_MS'],
    [{ TCP_TLS_CERT: '/nowhere' }, 'TCP_TLS_CERT is "/nowhere"; allowed: a readable file'],
    [{ TCP_TLS_CLIENT_CERT: 'yes' }, 'TCP_TLS_CLIENT_CERT is "yes"; allowed: true or false'],
    [{ TCP_TLS_CLIENT_CERT: 'true' }, 'true only with TCP_TLS_CA'],
    [{ NATS_URL: 'http://x' }, 'NATS_URL is "http://x"'],
    [{ NATS_URL: 'nats://a:4222,,' }, 'NATS_URL'],
    [{ NATS_URL: 'a', NATS_QUEUE: 'a.b' }, 'NATS_QUEUE is "a.b"'],
    [{ NATS_URL: 'a', NATS_EVENTS: 'no' }, 'NATS_EVENTS is "no"; allowed: true or false'],
    [{ LOG_EVENTS: '1' }, 'LOG_EVENTS is "1"; allowed: true or false'],
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

  describe('for EventStoreDB', () => {
    const read = (url: string | undefined, more = {}) =>
      new Settings({ EVENT_STORE: 'eventstoredb', EVENTSTOREDB_URL: url, ...more }).eventStoreDb!;

    it('has a default for everything but the URL, and is off without EVENT_STORE', () => {
      expect(read('esdb://one')).toEqual({
        server: {
          hosts: [{ address: 'one', port: 2113 }],
          discover: false,
          tls: {},
          nodePreference: 'leader',
          keepAliveMs: 10_000,
          keepAliveTimeoutMs: 10_000,
          connectionName: 'taskmanager',
        },
        streamPrefix: 'taskmanager.',
        timeoutMs: 5_000,
        startTimeoutMs: 60_000,
      });
      expect(new Settings({ EVENTSTOREDB_URL: 'esdb://one' }).eventStoreDb).toBeUndefined();
    });

    it.each([
      ['esdb://a:1,b,[::1]:3?tls=false', ['a:1', 'b:2113', '[::1]:3'], false],
      ['esdb+discover://a', ['a:2113'], true],
      ['kurrentdb+discover://a/', ['a:2113'], true],
    ])('finds the hosts in %s', (url, hosts, discover) => {
      const { server } = read(url);
      expect(server.hosts.map(({ address, port }) => `${address}:${port}`)).toEqual(hosts);
      expect(server).toMatchObject({ discover });
      expect(server.tls === undefined).toBe(url.includes('tls=false'));
    });

    it.each([
      ['esdb://u:p%40%3A@h', {}],
      ['esdb://h', { EVENTSTOREDB_USERNAME: 'u', EVENTSTOREDB_PASSWORD: 'p@:' }],
      ['esdb://x:y@h', { EVENTSTOREDB_USERNAME: 'u', EVENTSTOREDB_PASSWORD: 'p@:' }],
    ])('logs in with %s and %j', (url, more) => {
      expect(read(url, more).server.login).toEqual({ username: 'u', password: 'p@:' });
    });

    it('reads the password and the certificates from files', () => {
      const { login, tls } = read(
        `esdb://h?userCertFile=${file('cert')}&userKeyFile=${file('key')}`,
        {
          EVENTSTOREDB_USERNAME: 'u',
          EVENTSTOREDB_PASSWORD_FILE: file('seed'),
          EVENTSTOREDB_TLS_CA_FILE: file('ca'),
        },
      ).server;
      expect(login).toEqual({ username: 'u', password: 'seed' });
      expect(tls).toEqual({ ca: 'ca\n', cert: 'cert\n', key: 'key\n' });
    });

    it.each([
      [undefined, {}, 'EVENTSTOREDB_URL is missing'],
      ['http://h', {}, 'EVENTSTOREDB_URL is (not shown); allowed: esdb://'],
      ['esdb://', {}, 'EVENTSTOREDB_URL is (not shown)'],
      ['esdb://u:hunter2@h:x', {}, 'EVENTSTOREDB_URL is (not shown)'],
      ['esdb://u:hunter2@h?tls=false', {}, 'no login without TLS'],
      [
        'esdb://h?tls=false',
        { EVENTSTOREDB_USERNAME: 'u', EVENTSTOREDB_PASSWORD: 'hunter2' },
        'no login without TLS',
      ],
      ['esdb://h?tls=maybe', {}, 'tls=true or tls=false'],
      ['esdb://u:hunter2@h?throwOnAppendFailure=false', {}, 'only tls'],
      ['esdb://h?gossipTimeout=5000', {}, 'only tls'],
      ['esdb://h?tlsCAFile=/nowhere', {}, 'readable files'],
      ['esdb://h', { EVENTSTOREDB_PASSWORD: 'hunter2' }, 'EVENTSTOREDB_USERNAME is missing'],
      ['esdb://u@h', {}, 'EVENTSTOREDB_PASSWORD is missing'],
      ['esdb://h', { EVENTSTOREDB_STREAM_PREFIX: '$x' }, 'EVENTSTOREDB_STREAM_PREFIX is "$x"'],
      [
        'esdb://h',
        { EVENTSTOREDB_NODE_PREFERENCE: 'any' },
        'EVENTSTOREDB_NODE_PREFERENCE is "any"',
      ],
      ['esdb://h?nodePreference=any', {}, 'nodePreference leader'],
      ['esdb://h', { EVENTSTOREDB_KEEP_ALIVE_MS: '500' }, 'EVENTSTOREDB_KEEP_ALIVE_MS is "500"'],
    ])('refuses %s with %j in one line without secrets: %s', (url, more, message) => {
      expect(() => read(url, more)).toThrow(message);
      expect(() => read(url, more)).not.toThrow('hunter2');
      expect(() => read(url, more)).not.toThrow('\n');
    });

    it('takes the node preference of the URL when there is no other', () => {
      expect(read('esdb://h?nodePreference=readOnlyReplica').server.nodePreference).toBe(
        'read_only_replica',
      );
    });
  });

  it('are all in the help and in the docs’ table', () => {
    for (const { name, meaning } of Object.values(VARIABLES)) {
      const line = settingsHelp()
        .split('\n')
        .find((each) => each.trim().split(/\s/)[0] === name);
      expect(line?.trim().slice(name.length)).toMatch(/^ +\S/);
      expect(line).toContain(meaning);
      expect(settingsTable()).toContain(`\`${name}\``);
    }
  });
});
