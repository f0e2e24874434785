import { describe, expect, it } from '@jest/globals';
import { TaskWorker } from './task-worker.js';
import type { WorkerClient } from './insist.js';
import { jsonLog, logWith } from './json-log.js';
import { settingsOf } from './worker-options.js';

const NOBODY = {} as WorkerClient;
const nothing = () => undefined;

describe('The options of a worker', () => {
  it('have defaults, and a name of its own for each worker', () => {
    const [one, other] = [settingsOf({}), settingsOf({})];
    expect(one).toMatchObject({ leaseMs: 30_000, shutdownMs: 30_000, pauseGraceMs: 30_000 });
    expect(one.workerId).toMatch(/.-\d+-[0-9a-f]{6}$/);
    expect(one.workerId).not.toBe(other.workerId);
  });

  it.each([{ leaseMs: 999 }, { shutdownMs: -1 }, { pauseGraceMs: 2 ** 31 }, { workerId: '' }])(
    'are refused out of range: %j',
    (options) => {
      expect(() => new TaskWorker(NOBODY, options)).toThrow(TypeError);
    },
  );

  it('say what is wrong with a handler', () => {
    const worker = new TaskWorker(NOBODY).handle('clone', nothing);
    expect(() => worker.handle('clone', nothing)).toThrow('clone has a handler already');
    expect(() => worker.handle('No Type', nothing)).toThrow('"No Type" is no task type');
    expect(() => worker.handle('index', nothing, { concurrency: 0 })).toThrow('concurrency');
    expect(() => new TaskWorker(NOBODY).start()).toThrow('no handlers');
  });

  it('end nothing when onError throws', () => {
    const lines: string[] = [];
    const onError = () => {
      throw new Error('of its own');
    };
    const { onError: guarded } = settingsOf({ onError, log: jsonLog((line) => lines.push(line)) });
    guarded(new Error('what it is told'));
    expect(lines.join()).toContain('of its own');
  });
});

describe('The log of a worker', () => {
  it('is a line of JSON each, with what is known of the task; debug is left out', () => {
    const lines: string[] = [];
    const log = logWith(
      jsonLog((line) => lines.push(line)),
      { taskId: 'a-task' },
    );
    log.debug('not seen');
    log.warn('slow', { ms: 7 });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        time: expect.any(String),
        level: 'warn',
        message: 'slow',
        taskId: 'a-task',
        ms: 7,
      },
    ]);
  });

  it('takes what is not JSON', () => {
    const lines: string[] = [];
    jsonLog((line) => lines.push(line)).error('odd', { n: 1n });
    expect(lines[0]).toContain('not JSON');
  });
});
