import { delimiter } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Settings } from './index.js';
import { workerEnvironment } from '../workers/worker-environment.js';

const workers = (env: Record<string, string>) => new Settings(env).workers;

describe('Workers start with the service', () => {
  it('when only this machine reaches it', () => {
    expect(workers({ DATA_DIR: '/data' })).toEqual({
      off: undefined,
      token: undefined,
      roots: ['/data/work'],
    });
    expect(workers({ AUTH_FILE: 'a', WORKERS_TOKEN: 't' }).off).toBeUndefined();
    expect(workers({ WORKER_ROOTS: `/a${delimiter}/b` }).roots).toEqual(['/a', '/b']);
  });

  it.each<[Record<string, string>, string]>([
    [{ WORKERS: 'off' }, 'WORKERS=off'],
    [{ NATS_URL: 'nats://b:4222' }, 'other machines reach this service'],
    [{ AUTH_FILE: 'a', TCP_HOST: '0.0.0.0', WORKERS_TOKEN: 't' }, 'other machines reach this'],
    [{ AUTH_FILE: 'a' }, 'AUTH_FILE is set and WORKERS_TOKEN is not'],
  ])('but not with %p', (env, why) => expect(workers(env).off).toContain(why));

  it('elsewhere when they are turned on, if they can connect', () => {
    const open = { WORKERS: 'on', AUTH_FILE: 'a', TCP_HOST: '0.0.0.0' };
    expect(workers({ ...open, WORKERS_TOKEN: 't' }).off).toBeUndefined();
    expect(() => workers(open)).toThrow(
      'WORKERS is "on"; allowed: auto or off, for AUTH_FILE is set',
    );
    expect(() => workers({ WORKERS: 'maybe' })).toThrow('WORKERS is "maybe"; allowed: auto');
  });

  it('with nothing of what is secret but their token', () => {
    const own = { PATH: '/bin', WORKER_TYPES: 'x', NATS_PASSWORD: 'secret', TOKEN: 'secret' };
    const settings = new Settings({
      AUTH_FILE: 'a',
      TCP_HOST: '::',
      WORKERS_TOKEN: 't',
      WORKERS: 'on',
      WORKER_ROOTS: '/a',
    });
    expect(workerEnvironment(own, settings, 7)).toEqual({
      PATH: '/bin',
      WORKER_TYPES: 'x',
      WORKER_ROOTS: '/a',
      WORKER_SHUTDOWN_MS: '5000',
      TASKMANAGER_URL: 'tcp://[::1]:7',
      TASKMANAGER_TOKEN: 't',
    });
  });
});
