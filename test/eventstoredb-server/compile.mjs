import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const SOURCES = dirname(fileURLToPath(import.meta.url));
const PACKAGES = join(SOURCES, '../../node_modules');

/** Each source and the program that it became; Node cannot run TypeScript. */
let compiled;

async function compile() {
  const files = new Map();
  for (const entry of await readdir(SOURCES, { recursive: true })) {
    if (!entry.endsWith('.ts') || /\.(spec|d)\.ts$/.test(entry)) continue;
    const { code } = await transformFile(join(SOURCES, entry), {
      swcrc: false,
      module: { type: 'es6' },
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    });
    files.set(entry.replace(/\.ts$/, '.js'), code);
  }
  return files;
}

/**
 * Writes the server as JavaScript into a temporary folder while `use` runs with the path of its program.
 * A process that has begun needs its files no more, so nothing is left behind however it ends.
 */
export async function withProgram(use) {
  const folder = await mkdtemp(join(tmpdir(), 'eventstoredb-server-'));
  try {
    for (const [file, code] of await (compiled ??= compile())) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), code);
    }
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await symlink(PACKAGES, join(folder, 'node_modules'), 'dir');
    return await use(join(folder, 'child.js'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
