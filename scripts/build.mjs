/**
 * Builds what `node dist/main.js` needs: the workspace packages in the order of their dependencies, then
 * the application. A part whose inputs are byte for byte those of its last build is left alone, so a
 * second `npm start` does not wait. Says nothing unless something fails. Named a package, it builds that
 * and what it reads: `node scripts/build.mjs cli`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const TSC = 'node_modules/typescript/bin/tsc';
const NEST = 'node_modules/@nestjs/cli/bin/nest.js';
/** Inputs of every part: compiler versions, options, and this file. */
const SHARED = ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts/build.mjs'];

const packagePart = (name, ...reads) => ({
  name: `@taskmanager/${name}`,
  reads,
  out: `packages/${name}/dist`,
  inputs: [name, ...reads].flatMap((each) => [
    `packages/${each}/src`,
    `packages/${each}/package.json`,
    `packages/${each}/tsconfig.build.json`,
  ]),
  command: [TSC, '-p', `packages/${name}/tsconfig.build.json`],
});

const PARTS = [
  packagePart('protocol'),
  packagePart('client', 'protocol'),
  packagePart('search', 'protocol'),
  packagePart('workers', 'client', 'protocol', 'search'),
  packagePart('cli', 'client', 'protocol'),
  {
    name: 'the application',
    out: 'dist',
    inputs: ['src', 'tsconfig.build.json', 'nest-cli.json', '.swcrc'],
    command: [NEST, 'build'],
  },
];

function* filesUnder(path) {
  if (statSync(join(ROOT, path)).isFile()) yield path;
  else
    for (const name of readdirSync(join(ROOT, path)).sort()) yield* filesUnder(`${path}/${name}`);
}

function fingerprint(inputs) {
  const hash = createHash('sha256').update(process.version);
  for (const file of [...SHARED, ...inputs].flatMap((input) => [...filesUnder(input)])) {
    if (file.endsWith('.spec.ts')) continue;
    const content = readFileSync(join(ROOT, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

const wanted = process.argv
  .slice(2)
  .flatMap((name) => [
    name,
    ...(PARTS.find((part) => part.name === `@taskmanager/${name}`)?.reads ?? []),
  ]);

for (const { name, out, inputs, command } of PARTS) {
  if (wanted.length > 0 && !wanted.some((each) => name === `@taskmanager/${each}`)) continue;
  const stamp = join(ROOT, out, '.built-from');
  const fingerprinted = fingerprint(inputs);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprinted) continue;

  rmSync(join(ROOT, out), { recursive: true, force: true });
  const built = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) {
    process.stderr.write(`${built.stdout}${built.stderr}\nBuilding ${name} failed.\n`);
    process.exit(1);
  }
  writeFileSync(stamp, fingerprinted);
}
