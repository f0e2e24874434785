import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import type { TaskInfo } from '@taskmanager/protocol';
import { makeRepository } from '../../packages/workers/test/generated-repository.js';
import { type GitServer, startGitServer } from '../../packages/workers/test/git-server.js';
import { execGit } from '../../packages/workers/test/git.js';
import { type ServiceProcess, spawnService } from '../service.js';
import { WorkersProcess } from './workers-process.js';

/** As long as an index may hold up its process, and some more. */
const LEASE_MS = 2_000;
/** Code that takes half a second or more to read however few files there are: it gives an index a middle. */
const LONG_FILES = 30;
const LONG_FILE = 'export function slow(value: number) {\n  return [value, value + 1];\n}\n';

/** A service, its workers, and a git server with a repository, each a process of its own. */
export class WorkPlace {
  /** Run clones and indexes. */
  readonly repositoryWorkers: WorkersProcess;
  /** Run imports. */
  readonly fileWorkers: WorkersProcess;

  private constructor(
    private readonly service: ServiceProcess,
    private readonly served: string,
    readonly git: GitServer,
    readonly client: TaskManager,
    /** How long a task may take, milliseconds. */
    private readonly limitMs: number,
    /** Below which the workers work. */
    readonly root: string,
    /** What is served. */
    readonly repository: string,
  ) {
    const workers = (WORKER_TYPES: string) =>
      new WorkersProcess({
        TASKMANAGER_URL: `tcp://127.0.0.1:${service.port}`,
        WORKER_ROOTS: root,
        WORKER_TYPES,
        WORKER_LEASE_MS: String(LEASE_MS),
        WORKER_ALLOW_PRIVATE: 'true',
        WORKER_GIT_CA: git.certificate,
      });
    this.repositoryWorkers = workers('clone_repository,index_repository');
    this.fileWorkers = workers('import_files');
  }

  /** @param files how many the repository has, beside a few that take long */
  static async open(files: number): Promise<WorkPlace> {
    const served = realpathSync(mkdtempSync(join(tmpdir(), 'served-')));
    const repository = join(served, 'big');
    await makeRepository(repository, { files });
    for (let n = 0; n < LONG_FILES; n++)
      writeFileSync(join(repository, `zz-${n}.ts`), `// ${n}\n${LONG_FILE.repeat(250)}`);
    await execGit(repository, ['add', '--all']);
    await execGit(repository, ['commit', '--quiet', '-m', 'Long files']);
    const git = await startGitServer(served);
    const service = await spawnService();
    const { port } = service;
    const client = await TaskManager.connect({ transport: 'tcp', port, actor: 'ann' });
    const root = join(realpathSync(service.dataDir), 'work');
    const limitMs = 20_000 + files * 10;
    return new WorkPlace(service, served, git, client, limitMs, root, repository);
  }

  /** Asks for a clone. Answers the task's id. */
  async clone(directory: string): Promise<string> {
    const url = `https://localhost:${this.git.port}/big`;
    return (await this.client.cloneRepositoryTask({ url, directory })).taskId;
  }

  /** A clone that stands still in the middle; what is asked of the server later does not. */
  async cloneToTheMiddle(directory: string): Promise<string> {
    this.git.behaviour = { stallAfter: 20_000 };
    const stalled = this.git.stalled();
    const id = await this.clone(directory);
    await stalled;
    this.git.behaviour = {};
    return id;
  }

  /** Without any task. Answers the directory's path. */
  async cloneByGit(name: string): Promise<string> {
    const directory = join(this.root, name);
    await execGit(this.served, ['clone', '--quiet', '--', this.repository, directory]);
    return directory;
  }

  async index(directory: string): Promise<string> {
    return (await this.client.indexRepositoryTask({ directory })).taskId;
  }

  /** @param slowly one file after the other */
  async import(
    source: string,
    destination: string,
    slowly: { readonly concurrency?: number } = {},
  ): Promise<string> {
    const request = { sources: [source], destination, ...slowly };
    return (await this.client.importFilesTask(request)).taskId;
  }

  /** Resolves when some of its files are done; those that are left take a while. */
  middle(id: string): Promise<TaskInfo> {
    return this.task(id, ({ completedItems = 0, totalItems = 0, status }) => {
      if (status !== 'completed') return completedItems > 0 && completedItems < totalItems;
      throw new Error(`${id} was done before anybody could do anything to it.`);
    });
  }

  /** Pauses it where it is, and answers what it is when its worker has acknowledged. */
  async pause(id: string): Promise<TaskInfo> {
    await this.client.pauseTask(id);
    return this.task(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
  }

  async resume(id: string): Promise<TaskInfo> {
    await this.client.resumeTask(id);
    return this.done(id);
  }

  async cancel(id: string): Promise<TaskInfo> {
    await this.client.cancelTask(id, { reason: 'not wanted' });
    return this.task(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
  }

  async done(id: string): Promise<TaskInfo> {
    return this.task(id, ({ status, error }) => {
      if (status === 'failed') throw new Error(`${id} failed: ${error}`);
      return status === 'completed';
    });
  }

  /** Ends all. Answers what should not have been, e.g. what the workers had to complain of. */
  async close(): Promise<readonly unknown[]> {
    const ends: unknown[] = [
      ...(await this.repositoryWorkers.stop()),
      ...(await this.fileWorkers.stop()),
    ];
    await this.client.close();
    // No warnings: a log in this process stands still while it compares thousands of files.
    ends.push(await this.service.stop(), this.service.output().match(/^.*error.*$/gim));
    await this.git.close();
    this.service.forget();
    rmSync(this.served, { recursive: true, force: true });
    return ends.filter((each) => each !== 0 && each !== '' && each !== null);
  }

  /** Looks again until it is so. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + this.limitMs;
    while (!(await isSo())) {
      if (performance.now() > end) throw new Error(`It did not become so: ${String(isSo)}`);
      await delay(10);
    }
  }

  private async task(id: string, is: (task: TaskInfo) => boolean): Promise<TaskInfo> {
    let task = await this.client.getTask(id);
    await this.until(async () => is((task = await this.client.getTask(id))));
    return task;
  }
}
