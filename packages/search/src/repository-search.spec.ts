import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SearchAnswer, SearchRepositoryRequest } from '@taskmanager/protocol';
import Sqlite from '@taskmanager/sqlite-driver';
import { indexFileOf } from './index-schema.js';
import { IndexWriter } from './index-writer.js';
import type { FoundSymbol, IndexedFile } from './indexed-file.js';
import { RepositorySearch } from './repository-search.js';

const THREAD = new URL('../dist/search.thread.js', import.meta.url);

let root: string;
let search: RepositorySearch;
let writer: IndexWriter;

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'search-')));
  const file = indexFileOf(root, join(root, 'code'));
  await mkdir(dirname(file), { recursive: true });
  writer = IndexWriter.open(file, join(root, 'code'), 'a task');
  search = new RepositorySearch(root);
});

afterEach(async () => {
  await search.close();
  writer.close();
  rmSync(root, { recursive: true, force: true });
});

function file(
  path: string,
  text: string,
  language?: string,
  symbols: FoundSymbol[] = [],
): IndexedFile {
  const counts = { bytes: text.length, lines: text.split('\n').length - 1 };
  return {
    ...{ path, stamp: '', hash: 'x', kind: 'text', text, symbols, ...counts },
    ...(language && { language }),
  };
}

const find = (
  text: string,
  further: Omit<SearchRepositoryRequest, 'directory' | 'text'> = {},
): Promise<SearchAnswer> => search.search({ directory: 'code', text, ...further });

const places = ({ matches }: SearchAnswer): string[] =>
  matches.map(({ path, line }) => `${path}:${line}`);

/** Every page of a search. */
async function all(
  text: string,
  further: Omit<SearchRepositoryRequest, 'directory' | 'text'>,
): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await find(text, { ...further, ...(cursor !== undefined && { cursor }) });
    found.push(...places(page));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

describe('A search for text', () => {
  it('finds each line once, by path and line, and says where in it', async () => {
    writer.write([
      file('b.ts', 'one\ntwo Needle and needle\n\nNEEDLE', 'TypeScript'),
      file('a.py', '# needle\r\n', 'Python'),
    ]);
    writer.end('abc', 123);
    expect(await find('needle')).toEqual({
      matches: [
        { path: 'a.py', language: 'Python', line: 1, text: '# needle', highlights: [[2, 8]] },
        {
          ...{ path: 'b.ts', language: 'TypeScript', line: 2, text: 'two Needle and needle' },
          highlights: [
            [4, 10],
            [15, 21],
          ],
        },
        { path: 'b.ts', language: 'TypeScript', line: 4, text: 'NEEDLE', highlights: [[0, 6]] },
      ],
      indexedAt: 123,
      commit: 'abc',
    });
  });

  it.each([
    '"quoted"',
    'a" OR "b',
    'NEAR(a b)',
    'text:x',
    'col : *',
    '{a b}:c',
    'AND NOT',
    '^caret',
    '\\d+(x)[y]{2}',
    "'; DROP TABLE files; --",
    'ünï 文件 🎈🎈',
    '-- dash',
    '/a|b/',
    '%_%',
  ])('takes %j as it stands', async (text) => {
    writer.write([file('has.txt', `before\n<${text}>\n`), file('not.txt', 'a b c d text x\n')]);
    expect(places(await find(text))).toEqual(['has.txt:2']);
  });

  it('goes through every page without missing or repeating a line', async () => {
    const lines = (count: number) => 'needle\nother\n'.repeat(count);
    writer.write(['c', 'a', 'b'].map((path) => file(path, lines(5))));
    const expected = ['a', 'b', 'c'].flatMap((path) =>
      [1, 3, 5, 7, 9].map((at) => `${path}:${at}`),
    );
    for (const limit of [1, 2, 5, 7, 15]) expect(await all('needle', { limit })).toEqual(expected);
    expect(await find('needle', { limit: 15 })).not.toHaveProperty('nextCursor');
  });

  it('keeps to a language and to a path', async () => {
    writer.write([
      file('src/a.ts', 'needle', 'TypeScript'),
      file('src/deep/b.py', 'needle', 'Python'),
      file('src-other/c.ts', 'needle', 'TypeScript'),
      file('src', 'needle'),
    ]);
    expect(places(await find('needle', { language: 'typescript' }))).toEqual([
      'src-other/c.ts:1',
      'src/a.ts:1',
    ]);
    expect(places(await find('needle', { path: 'src/' }))).toEqual([
      'src:1',
      'src/a.ts:1',
      'src/deep/b.py:1',
    ]);
    expect(places(await find('needle', { path: 'src/deep/b.py' }))).toEqual(['src/deep/b.py:1']);
    expect(places(await find('needle', { path: '%' }))).toEqual([]);
  });

  it('shows of a long line what is around the find, and of many long ones a page', async () => {
    writer.write([file('a.js', `${'x'.repeat(5_000)}needle${'y'.repeat(5_000)}\n`.repeat(3))]);
    const [first] = (await find('needle')).matches;
    expect(first?.text.length).toBeLessThanOrEqual(240);
    expect(first?.text.slice(...(first.highlights[0] ?? []))).toBe('needle');
  });

  it('sees the old or the new of a file while it is written', async () => {
    writer.write([file('a.txt', 'old needle\n')]);
    expect((await find('needle')).matches).toMatchObject([{ text: 'old needle' }]);
    writer.write([file('a.txt', 'new\nneedle\n')]);
    expect((await find('needle')).matches).toMatchObject([{ line: 2, text: 'needle' }]);
    writer.remove(['a.txt']);
    expect((await find('needle')).matches).toEqual([]);
  });
});

describe('A search for symbols', () => {
  const symbol = (name: string, kind: FoundSymbol['kind'], line: number): FoundSymbol => ({
    name,
    kind,
    line,
  });

  beforeEach(() => {
    writer.write([
      file('a.ts', 'class Parser {\n  parse() {}\n}\nfunction other() {}\n', 'TypeScript', [
        symbol('Parser', 'class', 1),
        symbol('parse', 'method', 2),
        symbol('other', 'function', 4),
      ]),
      file('b.py', 'def parse(): pass\n', 'Python', [symbol('parse', 'function', 1)]),
    ]);
  });

  it('finds those whose names begin so, in any case, with their line', async () => {
    const { matches } = await find('PAR', { kind: 'symbol' });
    expect(
      matches.map(({ path, line, symbol: found }) => [path, line, found?.kind, found?.name]),
    ).toEqual([
      ['a.ts', 2, 'method', 'parse'],
      ['b.py', 1, 'function', 'parse'],
      ['a.ts', 1, 'class', 'Parser'],
    ]);
    expect(matches[0]).toMatchObject({ text: '  parse() {}', highlights: [[2, 7]] });
    expect(places(await find('o', { kind: 'symbol' }))).toEqual(['a.ts:4']);
  });

  it('keeps to a kind, a language and a path, page by page', async () => {
    expect(places(await find('p', { kind: 'symbol', symbolKind: 'class' }))).toEqual(['a.ts:1']);
    expect(places(await find('p', { kind: 'symbol', language: 'Python' }))).toEqual(['b.py:1']);
    expect(places(await find('p', { kind: 'symbol', path: 'a.ts' }))).toEqual(['a.ts:2', 'a.ts:1']);
    expect(await all('p', { kind: 'symbol', limit: 1 })).toEqual(['a.ts:2', 'b.py:1', 'a.ts:1']);
  });

  it.each(['%', '_', '*', '"', "'", '\u{10ffff}'])('takes %j as it stands', async (text) => {
    expect((await find(text, { kind: 'symbol' })).matches).toEqual([]);
  });
});

describe('A search that cannot be answered', () => {
  it.each([
    ['nothing', /no index/],
    ['../..', /no index/],
    ['/etc', /no index/],
    ['', /no index/],
  ])('says of %j that it has no index', async (directory, message) => {
    await expect(search.search({ directory, text: 'needle' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      field: 'directory',
      message: expect.stringMatching(message) as string,
    });
  });

  it('refuses what is too short, and what is no cursor', async () => {
    await expect(find('ab')).rejects.toMatchObject({ code: 'VALIDATION_FAILED', field: 'text' });
    for (const cursor of ['x', 'bnVsbA', Buffer.from('[1,2]').toString('base64url')])
      await expect(find('abc', { cursor })).rejects.toMatchObject({ field: 'cursor' });
  });

  it('says so when the index is spoiled', async () => {
    writeFileSync(indexFileOf(root, join(root, 'spoiled')), 'no database'.repeat(500));
    await expect(search.search({ directory: 'spoiled', text: 'needle' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });
});

describe('A file that is no index of ours', () => {
  /** Of the right version, and can be searched. It might as well have no end, and keep the test for ever. */
  const VIEW = `
    DROP TABLE files;
    CREATE VIEW files AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 9)
      SELECT id, 'a.txt' AS path, 'C' AS language FROM n;
    INSERT INTO symbols (file, name, kind, line) VALUES (1, 'needle', 'function', 1);`;
  let evil: string;

  beforeEach(() => {
    evil = indexFileOf(root, join(root, 'evil'));
    IndexWriter.open(evil, join(root, 'evil'), 'a task').close();
  });

  const change = (sql: string): void => {
    const database = new Sqlite(evil);
    database.exec(sql);
    database.close();
  };

  it.each([
    ['a view in the place of a table', VIEW],
    ['a column that is computed', 'ALTER TABLE files ADD COLUMN x AS (hex(zeroblob(bytes)))'],
    ['a trigger', 'CREATE TRIGGER x AFTER INSERT ON files BEGIN DELETE FROM files; END'],
  ])('is not searched, and made anew when it has %s', async (_, sql) => {
    change(sql);
    const asked = () => search.search({ directory: 'evil', text: 'needle', kind: 'symbol' });
    await expect(asked()).rejects.toMatchObject({ field: 'directory' });
    IndexWriter.open(evil, join(root, 'evil'), 'another task').close();
    expect((await asked()).matches).toEqual([]);
  });

  it('is not followed when it is a link, nor waited at when it is a pipe', async () => {
    rmSync(evil);
    symlinkSync(indexFileOf(root, join(root, 'code')), evil);
    const asked = () => search.search({ directory: 'evil', text: 'needle' });
    await expect(asked()).rejects.toMatchObject({ field: 'directory' });
    rmSync(evil);
    expect(spawnSync('mkfifo', [evil]).status).toBe(0);
    await expect(asked()).rejects.toMatchObject({ field: 'directory' });
  });
});

describe('The thread that searches', () => {
  it('answers as the search in place does, problems too', async () => {
    expect(existsSync(fileURLToPath(THREAD))).toBe(true);
    writer.write([file('a.txt', 'needle\n')]);
    const threaded = new RepositorySearch(root, THREAD);
    try {
      const request = { directory: 'code', text: 'needle' };
      const both = await Promise.all([threaded.search(request), search.search(request)]);
      expect(both[0]).toEqual(both[1]);
      await expect(threaded.search({ ...request, text: 'ab' })).rejects.toMatchObject({
        field: 'text',
      });
      expect(await threaded.search(request)).toEqual(both[1]);
    } finally {
      await threaded.close();
    }
  });

  it('is ended when it dies, and the next search has a new one', async () => {
    const program = join(root, 'dies.mjs');
    writeFileSync(
      program,
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', ({ request }) => request.text === 'die' ? process.exit(3) : parentPort.postMessage({ answer: { matches: [] } }));`,
    );
    const threaded = new RepositorySearch(root, new URL(`file://${program}`));
    try {
      const asked = (text: string) => threaded.search({ directory: 'code', text });
      const [died, answered] = await Promise.allSettled([asked('die'), asked('live')]);
      expect(died).toMatchObject({
        reason: { code: 'UNAVAILABLE', message: 'The search ended: exit code 3.' },
      });
      expect(answered).toMatchObject({ value: { matches: [] } });
    } finally {
      await threaded.close();
    }
  });
});
