/** Lone commands, one after the other, under strace: each must have been synced to the disk before its answer. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaskManager } from '@taskmanager/client';
import { atLeast, report } from './figures.mjs';
import { inTemporaryFolder, withService } from './processes.mjs';

const COMMANDS = 100;

export async function durability() {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' });
  } catch {
    console.log(
      'fdatasync a lone command: not counted, for strace is missing (apt-get install strace)',
    );
    return;
  }
  const traces = mkdtempSync(join(tmpdir(), 'taskmanager-strace-'));
  try {
    await inTemporaryFolder((folder) =>
      withService(folder, async ({ port, child }) => {
        const client = await TaskManager.connect({ transport: 'tcp', port, appName: 'bench' });
        const id = await client.createTask('durable', 'publish');
        await client.startTask(id);
        const file = join(traces, 'calls');
        const strace = spawn(
          'strace',
          ['-f', '-e', 'trace=fdatasync,fsync', '-o', file, '-p', String(child.pid)],
          { stdio: ['ignore', 'ignore', 'pipe'] },
        );
        await once(strace.stderr, 'data');
        for (let n = 1; n <= COMMANDS; n++) await client.updateTaskProgress(id, n, COMMANDS);
        strace.kill('SIGINT');
        await once(strace, 'exit');
        await client.close();
        const syncs = readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => /f(data)?sync\(/.test(line));
        const each = syncs.length / COMMANDS;
        report(
          'fdatasync a lone command',
          `${syncs.length} for ${COMMANDS}`,
          each,
          atLeast(each, 1),
        );
      }),
    );
  } finally {
    rmSync(traces, { recursive: true, force: true });
  }
}
