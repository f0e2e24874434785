import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager, type TaskInfo } from '@taskmanager/client';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Service, startService } from './service.js';

/** A worker as a program of its own: what signals do to it, and that no handler can end it. */

const PROGRAM = `
import { TaskManager, TaskWorker } from '@taskmanager/client';
import { setTimeout as delay } from 'node:timers/promises';
const client = await TaskManager.connect({ transport: 'tcp', port: Number(process.argv[2]) });
const worker = new TaskWorker(client, { workerId: 'a-program' });
process.once('SIGTERM', () => console.log('told'));
worker.handle('polite', async (task) => {
  console.log('working');
  for (;;) {
    await delay(5);
    await task.pausePoint({ kept: true });
  }
});
worker.handle('deaf', () => {
  console.log('working');
  return new Promise(() => {});
});
worker.handle('careless', async (task) => {
  console.log('working');
  await new Promise((resolve) => task.signal.addEventListener('abort', resolve));
  task.saveCheckpoint('lost');
  task.pausePoint();
  return 'nothing';
});
await worker.run();
await client.close();
console.log('ended');
`;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIMIT_MS = 10_000;

let service: Service;
let client: TaskManager;

beforeAll(async () => {
  service = await startService();
  client = await TaskManager.connect({ transport: 'tcp', port: service.port, actor: 'operator' });
});
afterAll(async () => {
  await client?.close();
  await service?.close();
});

function runProgram() {
  const child = spawn(process.execPath, ['--input-type=module', '-', String(service.port)], {
    cwd: ROOT,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(PROGRAM);
  const exit = once(child, 'close').then(([code, signal]: unknown[]) => code ?? signal);
  const says = async (line: string) => {
    const deadline = performance.now() + LIMIT_MS;
    while (!stdout.split('\n').includes(line)) {
      if (performance.now() > deadline) throw new Error(`No "${line}":\n${stdout}${stderr}`);
      await delay(10);
    }
  };
  return { child, exit, says, stderr: () => stderr };
}

async function until(id: string, isSo: (task: TaskInfo) => boolean): Promise<TaskInfo> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const task = await client.getTask(id);
    if (isSo(task)) return task;
    if (performance.now() > deadline) throw new Error(`It stays: ${JSON.stringify(task)}`);
    await delay(10);
  }
}

const create = (type: string) =>
  client.createTask(type, type, 'app', undefined, { runBy: 'worker' });

describe('A program with a worker', () => {
  it('hands its task back on SIGTERM, and ends', async () => {
    const program = runProgram();
    const id = await create('polite');
    await program.says('working');
    program.child.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    await program.says('ended');
    expect(program.stderr()).toBe('');
    expect(await client.getTask(id)).toMatchObject({
      status: 'pending',
      checkpoint: { kept: true },
      stallCount: 0,
    });
    await client.cancelTask(id);
  });

  it('hands back at the second signal what does not hear the first', async () => {
    const program = runProgram();
    const id = await create('deaf');
    await program.says('working');
    program.child.kill('SIGTERM');
    await program.says('told');
    program.child.kill('SIGINT');
    expect(await program.exit).toBe(0);
    expect(program.stderr()).toBe('');
    expect(await client.getTask(id)).toMatchObject({ status: 'pending' });
    await client.cancelTask(id);
  });

  it('outlives a handler that waits for nothing, and says on stderr what it did not do', async () => {
    const program = runProgram();
    const id = await create('careless');
    await program.says('working');
    await client.cancelTask(id);
    await until(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
    const next = await create('polite');
    await until(next, ({ status }) => status === 'running');
    program.child.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stderr()).toContain('The result was refused');
  });
});
