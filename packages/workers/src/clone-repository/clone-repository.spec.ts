import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Json } from '@taskmanager/protocol';
import { FakeRunningTask } from '../../test/fake-running-task.js';
import { makeRepository } from '../../test/generated-repository.js';
import { type GitServer, startGitServer } from '../../test/git-server.js';
import { execGit } from '../../test/git.js';
import { noteUnfinished } from '../unfinished.js';
import type { WorkerContext } from '../worker-context.js';
import { WorkerRoots } from '../worker-roots.js';
import { type ClonedRepository, cloneRepository } from './index.js';

/** `CLONE_FILES=20000 npm test -- clone-repository` for as many as a large repository has. */
const FILES = Number(process.env['CLONE_FILES'] ?? 300);
let served: string;
let server: GitServer;
let commit: string;
let folder: string;
let root: string;
let context: WorkerContext;

beforeAll(async () => {
  served = await realpath(await mkdtemp(join(tmpdir(), 'served-')));
  ({ commit } = await makeRepository(join(served, 'big'), { files: FILES }));
  const git = (...args: string[]) => execGit(join(served, 'big'), args);
  await git('checkout', '--quiet', '-b', 'feature/x');
  await git('commit', '--quiet', '--allow-empty', '-m', 'On a branch');
  await git('tag', 'v1');
  await git('checkout', '--quiet', 'main');
  await execGit(served, ['init', '--quiet', '--bare', 'empty.git']);
  server = await startGitServer(served);
});

afterAll(async () => {
  await server.close();
  await rm(served, { recursive: true, force: true });
});

beforeEach(async () => {
  server.behaviour = {};
  folder = await realpath(await mkdtemp(join(tmpdir(), 'clones-')));
  root = join(folder, 'root');
  const roots = await WorkerRoots.open([root]);
  context = { roots, allowPrivateAddresses: true, gitCaFile: server.certificate };
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** What is below the root beside the workers' own. */
const listed = async () => (await readdir(root)).filter((name) => name !== '.taskmanager');
const urlOf = (name: string, host = 'localhost') => `https://${host}:${server.port}/${name}`;
const taskFor = (input: Json) => new FakeRunningTask('clone_repository', input);
const run = async (task: FakeRunningTask, inside = context) =>
  (await cloneRepository(inside)(task)) as unknown as ClonedRepository;
const clone = (input: Json, inside = context) => run(taskFor(input), inside);
/** Fails for good, saying this, and leaves nothing. */
async function refuses(input: Json, words: string | RegExp, inside = context): Promise<void> {
  const before = await listed();
  const error: unknown = await clone(input, inside).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'PermanentTaskError' });
  expect((error as Error).message).toMatch(words);
  expect(await listed()).toEqual(before);
}

describe('A clone over https', () => {
  it('is what git itself would say of it', async () => {
    const task = taskFor({ url: urlOf('big/.git'), directory: 'a/b' });
    const result = await run(task);
    const directory = join(root, 'a/b');
    const listed = await execGit(directory, ['ls-files', '-z']);
    const sizes = (await execGit(directory, ['ls-tree', '-rlz', 'HEAD'])).split('\0').slice(0, -1);
    expect(result).toEqual({
      directory,
      branch: 'main',
      commit: (await execGit(directory, ['rev-parse', 'HEAD'])).trim(),
      files: listed.split('\0').length - 1,
      bytes: sizes.reduce((sum, line) => sum + Number(line.split(/\s+/)[3]), 0),
    });
    expect(result).toMatchObject({ commit, files: FILES });
    expect(await execGit(directory, ['status', '--porcelain'])).toBe('');
    expect(await readdir(join(root, 'a'))).toEqual(['b']);
  });

  it('tells how far it is, never backwards, phase by phase', async () => {
    const task = taskFor({ url: urlOf('big/.git') });
    await run(task);
    const percents = task.said.map(({ value }) => Number(value));
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(percents.at(-1)).toBe(99);
    const said = task.said.map(({ message = '' }) => message.replace(/ *\d.*/, ''));
    const phases = said.filter((phase, index) => phase !== said[index - 1]);
    expect(phases).toEqual([
      'connecting',
      'counting',
      'compressing',
      'receiving',
      'resolving',
      'checking out',
    ]);
  });

  it('takes a branch or a tag, and is named after the repository', async () => {
    const url = urlOf('big');
    const branch = await clone({ url, branch: 'feature/x' });
    expect(branch).toMatchObject({ directory: join(root, 'big'), branch: 'feature/x' });
    expect(branch.commit).not.toBe(commit);
    const tag = await clone({ url, branch: 'v1', directory: 'tag' });
    expect(tag).toMatchObject({ branch: null, commit: branch.commit });
  });

  it('may be of an empty repository', async () => {
    const result = await clone({ url: urlOf('empty.git') });
    expect(result).toMatchObject({ directory: join(root, 'empty'), commit: null, files: 0 });
  });

  it('goes to the address that was looked up, whatever another look-up would say', async () => {
    const lookups: string[] = [];
    const lookup = async (host: string) => {
      lookups.push(host);
      return ['127.0.0.1'];
    };
    const result = await clone({ url: urlOf('big', 'Repo.test') }, { ...context, lookup });
    expect(result).toMatchObject({ commit });
    expect(lookups).toEqual(['repo.test']);
  });
});

describe('In plain words it says', () => {
  it.each<[string, () => Json, RegExp, (() => Partial<WorkerContext>)?]>([
    [
      'that there is no such branch',
      () => ({ url: urlOf('big'), branch: 'nope' }),
      /no branch or tag "nope"/,
    ],
    ['that there is no such repository', () => ({ url: urlOf('nope') }), /no repository at/],
    [
      'that the certificate is not trusted',
      () => ({ url: urlOf('big') }),
      /certificate of the server .* is not trusted/,
      () => ({ gitCaFile: undefined }),
    ],
    [
      'that the host is not known',
      () => ({ url: 'https://nope.invalid/x' }),
      /host nope.invalid is not known/,
    ],
  ])('%s', (_, input, words, changes = () => ({})) =>
    refuses(input(), words, { ...context, ...changes() }),
  );

  it('that a password is wanted, and asks nobody for one', async () => {
    server.behaviour = { password: true };
    await refuses({ url: urlOf('big') }, /wants to know who asks/);
  });

  it('that the server sends it elsewhere, and does not go there', async () => {
    const asked = server.asked.length;
    server.behaviour = { redirectTo: `https://127.0.0.1:${server.port}/other` };
    await refuses({ url: urlOf('big') }, /sends those who ask .* elsewhere/);
    expect(server.asked.length - asked).toBe(1);
  });

  it('that nobody answers, and may be tried again', async () => {
    const url = 'https://localhost:1/x';
    await expect(clone({ url })).rejects.toMatchObject({
      name: 'Error',
      message: expect.stringContaining('could not be reached'),
    });
    expect(await listed()).toEqual([]);
  });
});

describe('A private address', () => {
  it.each(['localhost', '127.0.0.1', '[::1]', '169.254.169.254', '10.0.0.1'])(
    'is refused unless allowed: %s',
    async (host) => {
      const asked = server.asked.length;
      const strict = { ...context, allowPrivateAddresses: false };
      await refuses({ url: urlOf('big', host) }, /not public/, strict);
      await refuses({ url: `ssh://${host}/x` }, /not public/, strict);
      expect(server.asked.length).toBe(asked);
    },
  );

  it('is refused also when it is but one of those that the name has', () => {
    const lookup = async () => ['1.1.1.1', '192.168.0.1'];
    const strict = { ...context, allowPrivateAddresses: false, lookup };
    return refuses({ url: 'https://repo.test/x' }, /not public/, strict);
  });

  it.each(['127.1', '2130706433', '0x7f.1', '0177.0.0.1'])(
    'has one way to be written: %s',
    (host) => refuses({ url: `https://${host}/x` }, /usual form/),
  );
});

describe('What is stopped', () => {
  it.each(['cancelled', 'paused'] as const)('leaves nothing: %s in the middle', async (kind) => {
    server.behaviour = { stallAfter: 20_000 };
    const task = taskFor({ url: urlOf('big'), directory: 'x/y' });
    const running = run(task);
    const outcome = expect(running).rejects.toMatchObject({ name: 'AbortError', kind });
    await server.stalled();
    expect(await readdir(join(root, 'x'))).toEqual([`.taskmanager-clone-${task.id}-1`]);
    task.stop(kind);
    await outcome;
    expect(await listed()).toEqual([]);
  });

  it('is done by a later attempt, which removes what a killed one left', async () => {
    const input = { url: urlOf('big') };
    const first = taskFor(input);
    const left = join(root, `.taskmanager-clone-${first.id}-1`);
    const running = join(root, '.taskmanager-clone-another-1');
    for (const each of [left, running])
      await mkdir(join(each, '.git/objects'), { recursive: true });
    const note = await noteUnfinished(context.roots, running);
    await writeFile(join(root, '.taskmanager/unfinished', basename(left)), left);
    expect(await run(first.again())).toMatchObject({ commit });
    expect(await listed()).toEqual([basename(running), 'big']);
    await note.end();
  });

  it('after all was done only says so', async () => {
    const input = { url: urlOf('big') };
    const first = taskFor(input);
    const result = await run(first);
    const asked = server.asked.length;
    expect(await run(first.again())).toEqual(result);
    expect(server.asked.length).toBe(asked);
  });
});

describe('The destination', () => {
  it('must not exist', async () => {
    await mkdir(join(root, 'big'));
    await refuses({ url: urlOf('big') }, /must not exist yet/);
  });

  it('lies below the roots, links followed, and in no folder of git’s own', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await symlink(outside, join(root, 'link'));
    await symlink(join(outside, 'new'), join(root, 'dangling'));
    for (const directory of ['../outside/x', '/tmp/x', 'link', 'link/x', 'dangling', 'dangling/x'])
      await refuses({ url: urlOf('big'), directory }, /must lie below/);
    await refuses({ url: urlOf('big'), directory: 'x/.git/hooks' }, /must not lie in a folder/);
    await refuses({ url: urlOf('big'), directory: '.' }, /not that folder itself/);
    expect(await readdir(outside)).toEqual([]);
  });
});

describe('Nothing is smuggled into git’s arguments', () => {
  it.each<[string, Json]>([
    ['a URL that is an option', { url: '--upload-pack=touch pwned' }],
    ['a URL with ssh’s options', { url: 'ssh://-oProxyCommand=touch%20pwned/x' }],
    ['another transport', { url: 'ext::sh -c touch% pwned' }],
    ['scp’s way', { url: '-oProxyCommand=touch pwned:x' }],
    ['a user', { url: 'https://ann:secret@localhost/x' }],
    [
      'a branch that is an option',
      { url: 'https://localhost/x', branch: '--upload-pack=touch pwned' },
    ],
    [
      'a field that is unknown',
      { url: 'https://localhost/x', config: 'core.sshCommand=touch pwned' },
    ],
    ['no object', 'https://localhost/x'],
  ])('%s is refused by the worker too', (_, input) => refuses(input, /cannot be worked on/));

  it('a directory that looks like one is a directory', async () => {
    const directory = '--upload-pack=touch pwned';
    expect(await clone({ url: urlOf('big'), directory })).toMatchObject({
      directory: join(root, directory),
      commit,
    });
  });
});

describe('A repository in a file', () => {
  const fileUrl = (...path: string[]) => pathToFileURL(join(root, ...path)).href;

  it('is cloned from below the roots, with or without a work tree', async () => {
    await makeRepository(join(root, 'some source'), { files: 5 });
    await execGit(root, ['clone', '--quiet', '--bare', 'some source', 'bare.git']);
    const url = fileUrl('some source');
    expect(await clone({ url, directory: 'a' })).toMatchObject({ files: 5, branch: 'main' });
    expect(await clone({ url: fileUrl('bare.git') })).toMatchObject({
      directory: join(root, 'bare'),
    });
  });

  it('is refused outside of them', async () => {
    await refuses({ url: pathToFileURL(join(served, 'big')).href }, /must lie below/);
    await symlink(join(served, 'big'), join(root, 'link'));
    await refuses({ url: fileUrl('link'), directory: 'x' }, /must lie below/);
    await refuses({ url: fileUrl('nothing'), directory: 'x' }, /no repository/);
  });

  it('is refused when it leads out of itself', async () => {
    const outside = join(served, 'big/.git');
    await mkdir(join(root, 'worktree'));
    await writeFile(join(root, 'worktree/.git'), `gitdir: ${outside}\n`);
    await mkdir(join(root, 'links'));
    for (const name of ['HEAD', 'objects', 'refs', 'config'])
      await symlink(join(outside, name), join(root, 'links', name));
    const copy = async (name: string) => {
      await execGit(root, ['init', '--quiet', '--bare', name]);
      return (path: string, text: string) => writeFile(join(root, name, path), text);
    };
    await (
      await copy('borrows')
    )('objects/info/alternates', `${outside}/objects\n`);
    await (
      await copy('includes')
    )('config', '[include]\n\tpath = /etc/passwd\n');
    await (
      await copy('promises')
    )('config', '[extensions]\n\tpartialClone = origin\n');
    await (
      await copy('common')
    )('commondir', outside);
    await execGit(root, ['init', '--quiet', '--bare', 'twice']);
    await execGit(root, ['init', '--quiet', '--bare', 'twice/.git']);
    await execGit(root, ['init', '--quiet', '--bare', 'twice/.git/.git']);
    for (const name of ['worktree', 'links', 'borrows', 'includes', 'promises', 'common', 'twice'])
      await refuses({ url: fileUrl(name), directory: 'x' }, /leads elsewhere/);
  });

  it('is refused when its settings may lead out of it, however they are written', async () => {
    const files = {
      'same-line': { config: '[core][include] path = /etc/passwd\n' },
      worktree: {
        config: '[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tworktreeConfig = true\n',
        'config.worktree': '[include]\n\tpath = /etc/passwd\n',
      },
      long: { config: `${'# nothing\n'.repeat(120_000)}` },
    };
    for (const [name, contents] of Object.entries(files)) {
      await execGit(root, ['init', '--quiet', '--bare', name]);
      for (const [path, text] of Object.entries(contents))
        await writeFile(join(root, name, path), text);
    }
    await execGit(root, ['init', '--quiet', '--bare', 'waits']);
    await rm(join(root, 'waits/config'));
    expect(spawnSync('mkfifo', [join(root, 'waits/config')]).status).toBe(0);
    for (const name of [...Object.keys(files), 'waits'])
      await refuses({ url: fileUrl(name), directory: 'x' }, /leads elsewhere/);
  });

  it('is refused also when it came to lead elsewhere while it was cloned', async () => {
    await makeRepository(join(root, 'source'), { files: 5 });
    const task = new FakeRunningTask('clone_repository', {
      url: fileUrl('source'),
      directory: 'x',
    });
    const report = task.progress.bind(task);
    task.progress = (value, message) => {
      report(value, message);
      if (message === 'connecting') return;
      writeFileSync(
        join(root, 'source/.git/objects/info/alternates'),
        `${served}/big/.git/objects\n`,
      );
    };
    await expect(run(task)).rejects.toThrow(/leads elsewhere: it borrows objects/);
    expect((await readdir(root)).sort()).toEqual(['.taskmanager', 'source']);
  });

  it('is the one that was looked at, and not one that git would take in its place', async () => {
    // All of it can be tracked in a repository, and so be brought here by a clone.
    const outside = join(served, 'big/.git');
    for (const name of ['file', 'folder', 'inner/.git']) {
      for (const part of ['objects', 'refs'])
        await mkdir(join(root, name, part), { recursive: true });
      await writeFile(join(root, name, 'HEAD'), 'nothing that git understands\n');
    }
    await writeFile(join(root, 'file.git'), `gitdir: ${outside}\n`);
    await writeFile(join(root, 'inner/.git.git'), `gitdir: ${outside}\n`);
    await execGit(root, ['clone', '--quiet', '--bare', '--shared', outside, 'folder.git']);
    for (const name of ['file', 'folder', 'inner'])
      await refuses({ url: fileUrl(name), directory: 'x' }, /no repository/);
  });
});

describe('Over ssh', () => {
  let path: string | undefined;
  let bin: string;
  beforeEach(async () => {
    bin = join(folder, 'bin');
    await mkdir(bin);
    path = process.env['PATH'];
    process.env['PATH'] = `${bin}:${path}`;
  });
  afterEach(() => {
    process.env['PATH'] = path;
  });
  const ssh = async (script: string) => {
    await writeFile(join(bin, 'ssh'), `#!/bin/sh\nprintf '%s\\n' "$@" > ${bin}/args\n${script}\n`);
    await chmod(join(bin, 'ssh'), 0o755);
  };
  const lookup = async () => ['127.0.0.9'];

  it('it goes to the address that was looked up, as git, asking nobody', async () => {
    await ssh(`for command; do :; done; cd ${served}; eval "$command"`);
    const url = `ssh://Repo.test:2222${served}/big`;
    expect(await clone({ url }, { ...context, lookup })).toMatchObject({ commit });
    const args = (await readFile(join(bin, 'args'), 'utf8')).split('\n');
    for (const option of [
      'BatchMode=yes',
      'User=git',
      'StrictHostKeyChecking=yes',
      'HostName=127.0.0.9',
      'HostKeyAlias=[repo.test]:2222',
    ])
      expect(args).toContain(option);
    expect(args.slice(0, 2)).toEqual(['-F', 'none']);
    expect(args).toContain('repo.test');
  });

  it('takes along what git has started when it is stopped', async () => {
    await ssh(`mkfifo ${bin}/started && echo $$ > ${bin}/started; exec sleep 60`);
    const task = taskFor({ url: 'ssh://repo.test/x' });
    const running = run(task, { ...context, lookup });
    const outcome = expect(running).rejects.toMatchObject({ kind: 'cancelled' });
    let pid = 0;
    while (pid === 0) pid = Number(await readFile(join(bin, 'started'), 'utf8').catch(() => 0));
    task.stop('cancelled');
    await outcome;
    // Gone, or a zombie that nobody has asked for yet.
    const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)]);
    expect(stdout.toString().trim()).toMatch(/^(Z.*)?$/);
  });

  it.each([
    ['git@repo.test: Permission denied (publickey).', /none of the worker's ssh keys/],
    ['Host key verification failed.', /does not know the ssh host key/],
  ])('it says in plain words: %s', async (words, said) => {
    await ssh(`echo '${words}' >&2; exit 255`);
    await refuses({ url: 'ssh://repo.test/x' }, said, { ...context, lookup });
  });
});
