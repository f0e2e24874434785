import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage } from 'class-validator';
import * as protocol from '@taskmanager/protocol';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingsTable } from '../src/config/index.js';
import { MESSAGES } from '../src/messages.js';
import { permissionsOf } from '../src/transport/permissions.js';
import { Meta } from '../src/transport/request-meta.js';

/** What `scripts/docs.mjs` gives; it is plain JavaScript. */
interface DocsScript {
  docFiles(): string[];
  generate(code: object): Record<string, string>;
  rewrite(text: string, parts: Record<string, string>): string;
  partsOf(text: string): string[];
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const script = (await import(join(ROOT, 'scripts/docs.mjs'))) as DocsScript;

const code = {
  protocol,
  messages: MESSAGES,
  Meta,
  permissionsOf,
  settingsTable,
  metadataStorage: getMetadataStorage(),
};

const files = script.docFiles();
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
/** Without code blocks, whose text is no link and no heading. */
const prose = (file: string) => read(file).replaceAll(/^```[\s\S]*?^```/gm, '');

/** As GitHub makes them of headings. */
function anchorsOf(file: string): Set<string> {
  const headings = [...prose(file).matchAll(/^#{1,6} (.+)$/gm)].map(([, text = '']) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

describe('The docs', () => {
  it('say of messages, fields, events, errors, limits, roles and settings what the code says', () => {
    const parts = script.generate(code);
    for (const file of files) {
      const isAsGenerated = script.rewrite(read(file), parts) === read(file);
      expect({ file, isAsGenerated, help: 'node scripts/docs.mjs' }).toMatchObject({
        isAsGenerated: true,
      });
    }
  });

  it('show every generated part somewhere', () => {
    const shown = new Set(files.flatMap((file) => script.partsOf(read(file))));
    expect(Object.keys(script.generate(code)).filter((part) => !shown.has(part))).toEqual([]);
  });

  it('refuse to be written when a name of the code has no meaning', () => {
    const LIMITS = { ...protocol.LIMITS, somethingNew: 1 };
    expect(() => script.generate({ ...code, protocol: { ...protocol, LIMITS } })).toThrow(
      'says nothing of limits.somethingNew',
    );
    const COMMAND_NAMES = protocol.COMMAND_NAMES.filter((name) => name !== 'pause_task');
    expect(() => script.generate({ ...code, protocol: { ...protocol, COMMAND_NAMES } })).toThrow(
      'commands.pause_task is not in the code',
    );
  });

  it.each(['README.md', 'CONTRIBUTING.md'])('%s says what each folder is for', (file) => {
    const folders = ['src', 'packages'].flatMap((parent) =>
      readdirSync(join(ROOT, parent), { withFileTypes: true })
        .filter((each) => each.isDirectory())
        .map(({ name }) => `${parent}/${name}`),
    );
    const rows = [...read(file).matchAll(/^\| (`[^|]+)\|/gm)].map(([, first = '']) => first);
    const named = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(folders.filter((folder) => !named.includes(folder))).toEqual([]);
  });

  it.each(files)('%s has no dead link', (file) => {
    const links = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const dead = links.filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(ROOT, linked))) return true;
      return anchor !== undefined && linked.endsWith('.md') && !anchorsOf(linked).has(anchor);
    });
    expect(dead).toEqual([]);
  });

  it.each(files)('%s names only files and npm scripts that exist', (file) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...prose(file).matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
    const paths = named.filter((text) =>
      /^(src|packages|test|scripts|bench|examples|docs|\.ci)\/[\w./-]+$/.test(text),
    );
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const commands = [...read(file).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
  });
});
