import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { transformFile } from '@swc/core';

const SOURCES = [
  ['src/event-store', 'src/event-store'],
  ['packages/protocol/src', 'node_modules/@taskmanager/protocol'],
] as const;
const PACKAGES = ['@taskmanager/sqlite-driver', 'lru-cache'];

/**
 * Compiles the event store into a folder, so that a process of its own can run it: what two processes
 * do to one file cannot be seen with two connections of one process.
 */
export async function compileEventStore(folder: string): Promise<void> {
  for (const [from, to] of SOURCES) {
    for (const entry of await readdir(from, { recursive: true })) {
      if (!entry.endsWith('.ts') || entry.endsWith('.spec.ts')) continue;
      const target = join(folder, to, entry.replace(/\.ts$/, '.js'));
      const { code } = await transformFile(join(from, entry), {
        swcrc: false,
        module: { type: 'es6' },
        jsc: { target: 'es2023', parser: { syntax: 'typescript', decorators: true } },
      });
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, code);
    }
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const manifest = JSON.stringify({ type: 'module', exports: './index.js' });
  await writeFile(join(folder, SOURCES[1][1], 'package.json'), manifest);
  for (const name of PACKAGES) {
    const link = join(folder, 'node_modules', name);
    await symlink(join(relative(dirname(link), process.cwd()), 'node_modules', name), link);
  }
}

/** Runs a program against the log in a process of its own; it finds `log` and tells by `say(text)`. */
export async function runWithLog(
  folder: string,
  file: string,
  program: string,
): Promise<{ child: ChildProcess; lines: AsyncIterable<string>; ended: Promise<unknown> }> {
  const script = join(folder, `program-${Math.random().toString(36).slice(2)}.js`);
  await writeFile(
    script,
    `import { randomUUID } from 'node:crypto';
     import { writeSync } from 'node:fs';
     import { SqliteEventLog } from './src/event-store/sqlite/index.js';
     const log = SqliteEventLog.open({ file: ${JSON.stringify(file)} });
     const say = (text) => writeSync(1, text + '\\n');
     const newEvent = (data = '{}') => ({ id: randomUUID(), type: 'T', data, metadata: '{}' });
     ${program}`,
  );
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout }), ended: once(child, 'close') };
}
