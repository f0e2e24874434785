import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Settings } from './index.js';

describe('The file of RETENTION_FILE', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-retention-'));
  const path = join(folder, 'retention.json');
  afterAll(() => rmSync(folder, { recursive: true }));

  const read = (content: unknown) => {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return new Settings({ RETENTION_FILE: path }).retention;
  };

  it('may be missing: nothing is deleted then', () => {
    expect(new Settings({}).retention).toBeUndefined();
    expect(new Settings({ RETENTION_FILE: ' ' }).retention).toBeUndefined();
  });

  it('says what is deleted, and has defaults for the rest', () => {
    expect(read({ rules: [{ maxAgeMs: 0 }] })).toEqual({
      everyMs: 3_600_000,
      rules: [{ statuses: ['completed', 'failed', 'cancelled'], maxAgeMs: 0 }],
    });
    const rule = { taskTypes: ['index'], appName: 'shop', statuses: ['failed'], maxAgeMs: 9 };
    expect(read({ everyMs: 1_000, rules: [rule] })).toEqual({ everyMs: 1_000, rules: [rule] });
  });

  const maxAgeMs = 1;
  it.each([
    ['{', 'a file of JSON'],
    [[], 'an object'],
    [{}, 'rules: a list of 1 to 100'],
    [{ rules: [] }, 'rules: a list'],
    [{ rules: new Array(101).fill({ maxAgeMs }) }, 'rules: a list'],
    [{ rules: [{ maxAgeMs }], everyMs: 999 }, 'everyMs: a whole number from 1000 to 2147483647'],
    [{ rules: [{ maxAgeMs }], everyMs: 2 ** 31 }, 'everyMs: a whole number'],
    [{ rules: [{ maxAgeMs }], every: 1 }, 'no field "every"'],
    [{ rules: [null] }, 'rules[0]: an object'],
    [{ rules: [{ maxAgeMs }, {}] }, 'rules[1]: maxAgeMs: a whole number'],
    [{ rules: [{ maxAgeMs: -1 }] }, 'rules[0]: maxAgeMs'],
    [{ rules: [{ maxAgeMs: '1h' }] }, 'rules[0]: maxAgeMs'],
    [{ rules: [{ maxAgeMs, taskType: 'index' }] }, 'rules[0]: no field "taskType"'],
    [{ rules: [{ maxAgeMs, taskTypes: [] }] }, 'rules[0]: taskTypes: a list'],
    [{ rules: [{ maxAgeMs, taskTypes: ['Index'] }] }, 'rules[0]: taskTypes'],
    [{ rules: [{ maxAgeMs, appName: '' }] }, 'rules[0]: appName'],
    [{ rules: [{ maxAgeMs, statuses: ['running'] }] }, 'rules[0]: statuses: some of completed'],
    [{ rules: [{ maxAgeMs, statuses: [] }] }, 'rules[0]: statuses'],
  ])('is refused with one line when it is %j', (content, message) => {
    expect(() => read(content)).toThrow(`RETENTION_FILE is "${path}"; allowed: `);
    expect(() => read(content)).toThrow(message);
    expect(() => read(content)).not.toThrow('\n');
  });

  it('is refused when it cannot be read', () => {
    expect(() => new Settings({ RETENTION_FILE: join(folder, 'none') })).toThrow('a readable file');
  });
});
