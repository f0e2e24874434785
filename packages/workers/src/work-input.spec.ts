import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunningTask } from '@taskmanager/client';
import { FakeRunningTask } from '../test/fake-running-task.js';
import { TASK_TYPES } from './task-types.js';
import { WorkerRoots } from './worker-roots.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'input-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('A task whose id would lead files elsewhere', () => {
  it.each([
    ['import_files', { sources: ['.'], destination: 'x' }],
    ['clone_repository', { url: 'https://127.0.0.1:1/x' }],
    ['index_repository', { directory: '.' }],
  ])('is not worked on: %s', async (type, input) => {
    const roots = await WorkerRoots.open([join(folder, 'root')]);
    const handler = TASK_TYPES[type]?.({ roots, allowPrivateAddresses: true });
    for (const given of [{ id: '../../../out' }, { attempt: '/../../../out' }]) {
      const task = Object.assign(new FakeRunningTask(type, input), given) as RunningTask;
      await expect(handler?.(task)).rejects.toThrow(/its id is none of a task/);
    }
    expect(existsSync(join(folder, 'out.db'))).toBe(false);
    expect(readdirSync(roots.first)).toEqual([]);
  });
});
