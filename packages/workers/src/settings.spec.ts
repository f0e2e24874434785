import { delimiter, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readSettings } from './settings.js';

const read = (env: Record<string, string> = {}) => readSettings(env, ['clone_repository', 'other']);

describe('The settings of the workers', () => {
  it('have a default each', () => {
    expect(read()).toEqual({
      connect: {
        transport: 'tcp',
        host: '127.0.0.1',
        port: 4010,
        actor: 'taskmanager-workers',
      },
      service: 'tcp://127.0.0.1:4010',
      roots: [join(process.cwd(), 'data/work')],
      types: ['clone_repository', 'other'],
      concurrency: 2,
      allowPrivateAddresses: false,
      gitCaFile: undefined,
      leaseMs: 30_000,
      shutdownMs: 10_000,
    });
  });

  it('name the service over TCP or NATS, with and without TLS', () => {
    const place = (url: string, more = {}) => read({ TASKMANAGER_URL: url, ...more }).connect;
    expect(place('tcps://[::1]:1')).toMatchObject({ host: '::1', port: 1, tls: true });
    const nats = { transport: 'nats', servers: 'tls://nats:4222' };
    expect(place('tls://nats:4222')).toMatchObject(nats);
    const login = { NATS_USER: 'ann', NATS_PASSWORD: 'p', TASKMANAGER_TOKEN: 't' };
    expect(place('tls://nats:4222', login)).toMatchObject({
      ...nats,
      credentials: { user: 'ann', pass: 'p' },
      token: 't',
    });
  });

  it('take several roots and some of the types', () => {
    expect(read({ WORKER_ROOTS: `/a${delimiter}/b`, WORKER_TYPES: 'other' })).toMatchObject({
      roots: ['/a', '/b'],
      types: ['other'],
    });
  });

  it.each<[Record<string, string>, string]>([
    [
      { TASKMANAGER_URL: 'http://localhost' },
      'TASKMANAGER_URL is "http://localhost"; allowed: tcp',
    ],
    [{ TASKMANAGER_URL: 'nats://ann:secret@b:1' }, 'TASKMANAGER_URL is (not shown)'],
    [{ TASKMANAGER_URL: 'nats://b:1', NATS_USER: 'a', NATS_TOKEN: 'secret' }, 'only one of'],
    [{ WORKER_TYPES: 'nothing' }, 'allowed: some of clone_repository, other'],
    [{ WORKER_CONCURRENCY: '0' }, 'WORKER_CONCURRENCY is "0"; allowed: a whole number from 1'],
    [{ WORKER_LEASE_MS: '1e3' }, 'WORKER_LEASE_MS is "1e3"; allowed: a whole number from 1000'],
    [{ WORKER_ALLOW_PRIVATE: 'yes' }, 'WORKER_ALLOW_PRIVATE is "yes"; allowed: true or false'],
    [{ WORKER_GIT_CA: '/nowhere' }, 'WORKER_GIT_CA is "/nowhere"; allowed: a readable file'],
    [{ WORKER_ROOTS: delimiter }, 'WORKER_ROOTS is ":"; allowed: folders'],
  ])('are refused by name: %p', (env, words) => {
    expect(() => read(env)).toThrow(words);
    expect(() => read(env)).not.toThrow('secret');
  });
});
