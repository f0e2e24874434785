import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const LAUNCHER = fileURLToPath(new URL('../bin/taskmanager.mjs', import.meta.url));
const run = promisify(execFile);
const taskmanager = async (...args: readonly string[]) =>
  (await run(process.execPath, [LAUNCHER, ...args])).stdout;

/** What a shell is offered for the last of these words. */
const offered = async (...words: readonly string[]) =>
  (await taskmanager('complete', '--', ...words))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(':'))
    .map((line) => line.split('\t')[0]);

describe('Completion', () => {
  it('offers commands, options and what options may say', async () => {
    const answers = await Promise.all([
      offered('task', 'p'),
      offered('audit', 'query', '--ref'),
      offered('task', 'list', '--status', ''),
      offered('--json', 'projection', 're'),
    ]);
    expect(answers).toEqual([
      ['pause'],
      ['--refused'],
      expect.arrayContaining(['running', 'waiting_for_approval']),
      ['rebuild'],
    ]);
  });

  it.each(['bash', 'zsh', 'fish'])('has a script for %s that asks the program', async (shell) => {
    expect(await taskmanager('completion', shell)).toContain('taskmanager complete --');
  });

  it('has a script that bash can read', async () => {
    const script = await taskmanager('completion', 'bash');
    await run('bash', ['-n', '-c', script]);
    expect((await run('bash', ['-c', `${script}\ncomplete -p taskmanager`])).stdout).toContain(
      '__taskmanager_complete',
    );
  });
});
