import { describe, expect, it } from '@jest/globals';
import { connectionOf } from './connection.js';

const of = (server: string | undefined, variables = {}, more = {}) =>
  connectionOf({ timeout: 15, ...(server === undefined ? {} : { server }), ...more }, variables);

describe('where the service is', () => {
  it('is this machine unless it is said otherwise, here or in the environment', () => {
    expect(of(undefined)).toMatchObject({ transport: 'tcp', host: '127.0.0.1', port: 4010 });
    expect(of(undefined, { TASKMANAGER_SERVER: 'tcp://a:1' })).toMatchObject({
      host: 'a',
      port: 1,
    });
    expect(of('tcp://b:2', { TASKMANAGER_SERVER: 'tcp://a:1' })).toMatchObject({ host: 'b' });
  });

  it('may be behind TLS, at an IPv6 address, or behind a broker', () => {
    expect(of('tcps://[::1]:4011')).toMatchObject({ host: '::1', port: 4011, tls: true });
    expect(of('nats://broker', { NATS_USER: 'u', NATS_PASSWORD: 'p' })).toMatchObject({
      transport: 'nats',
      servers: 'nats://broker:4222',
      credentials: { user: 'u', pass: 'p' },
    });
  });

  it.each(['localhost', 'http://a:1', 'tcp://', 'nats://ann:secret@broker:4222'])(
    'is not %s, and what was given is not repeated',
    (server) => {
      expect(() => of(server)).toThrow('The server is given as');
      expect(() => of(server)).not.toThrow('secret');
    },
  );

  it('is told who asks: a token, and a name that is believed without one', () => {
    expect(of(undefined, { TASKMANAGER_TOKEN: 't', TASKMANAGER_ACTOR: 'ann' })).toMatchObject({
      token: 't',
      actor: 'ann',
    });
    expect(of(undefined, { TASKMANAGER_TOKEN: 't' }, { token: 'u', actor: 'bob' })).toMatchObject({
      token: 'u',
      actor: 'bob',
    });
  });
});
