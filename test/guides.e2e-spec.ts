import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Broker, freePort, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const script = (await import(join(ROOT, 'scripts/docs.mjs'))) as { docFiles(): string[] };

/** A program that the docs show, and what they say it prints. */
interface Program {
  readonly name: string;
  readonly language: string;
  readonly text: string;
  readonly prints: string | undefined;
}

const FENCE = /^```(\w+)(?: +(\w+)=([\w-]+))?\n([\s\S]*?)^```$/gm;

/** Blocks that begin with ```js run=<name>; what they print stands in ```text out=<name>, if anywhere. */
function programsOf(file: string): Program[] {
  const fences = [...readFileSync(join(ROOT, file), 'utf8').matchAll(FENCE)];
  const marked = (mark: string) =>
    fences.flatMap(([, language = '', found, name = '', text = '']) =>
      found === mark ? [{ name, language, text }] : [],
    );
  const printed = new Map(marked('out').map(({ name, text }) => [name, text]));
  return marked('run').map((program) => ({ ...program, prints: printed.get(program.name) }));
}

function toJavaScript({ language, text }: Program): string {
  if (language === 'js') return text;
  const jsc = {
    parser: { syntax: 'typescript', decorators: true },
    target: 'es2022',
    transform: { legacyDecorator: true, decoratorMetadata: true },
  } as const;
  return transformSync(text, { swcrc: false, configFile: false, jsc, module: { type: 'es6' } })
    .code;
}

let broker: Broker;
let service: Service;
/** Where the program that receives webhooks listens, in place of 8090. */
let webhookPort: number;
const folder = mkdtempSync(join(tmpdir(), 'taskmanager-guides-'));

/** The endpoints file as the guide shows it. */
function endpointsFile(): string {
  const guide = readFileSync(join(ROOT, 'docs/guides/notifications.md'), 'utf8');
  const shown = [...guide.matchAll(FENCE)].find(([, , mark]) => mark === 'file')?.[4] ?? '';
  const path = join(folder, 'endpoints.json');
  writeFileSync(path, shown.replaceAll(/809\d/g, String(webhookPort)));
  return path;
}

beforeAll(async () => {
  broker = await startBroker();
  webhookPort = await freePort();
  service = await startService({
    NATS_URL: broker.url,
    ENDPOINTS_FILE: endpointsFile(),
    BACKUP_DIR: join(folder, 'backups'),
  });
  await service.nats;
});

afterAll(async () => {
  await service?.close();
  await broker?.stop();
  rmSync(folder, { recursive: true });
});

/** Runs it as a program of its own, as a reader would: only addresses are those of this test. */
async function run(program: Program): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const text = toJavaScript(program)
    .replaceAll(/\b4010\b/g, String(service.port))
    .replaceAll(/\b8090\b/g, String(webhookPort))
    .replaceAll('nats://127.0.0.1:4222', broker.url)
    .replaceAll('./data/', `${service.dataDir}/`);
  const child = spawn(process.execPath, ['--input-type=module', '-'], { cwd: ROOT });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.end(text);
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, stdout, stderr };
}

const files = script
  .docFiles()
  .map((file) => ({ file, programs: programsOf(file) }))
  .filter(({ programs }) => programs.length > 0);

describe('The programs that the docs show', () => {
  it('are there, each under a name of its own', () => {
    const names = files.flatMap(({ programs }) => programs.map(({ name }) => name));
    expect(names).toContain('first-program');
    expect(names).toEqual([...new Set(names)]);
  });

  describe.each(files)('$file', ({ programs }) => {
    it.each(programs)('$name runs and prints what is shown', async (program) => {
      const { code, stdout, stderr } = await run(program);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      if (program.prints !== undefined) expect(stdout).toBe(program.prints);
    });
  });
});
