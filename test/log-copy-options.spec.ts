import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { describeLogName } from '../src/log-copy/log-name.js';
import { logCopy } from '../src/log-copy/main.js';
import { parseOptions, UsageError } from '../src/log-copy/options.js';
import { duration, Progress } from '../src/log-copy/progress.js';

describe('The command line of log:copy', () => {
  it('names both logs, and nothing else has to be said', () => {
    expect(parseOptions(['--from', 'sqlite:./data', '--to', 'eventstoredb:'])).toEqual({
      from: { kind: 'sqlite', path: resolve('data') },
      to: { kind: 'eventstoredb', url: undefined },
      verifyOnly: false,
      inFlight: undefined,
    });
    const more = ['--verify-only', '--in-flight', '64'];
    expect(
      parseOptions(['--from', 'esdb://h:1?tls=false', '--to', 'sqlite:x.db', ...more]),
    ).toEqual({
      from: { kind: 'eventstoredb', url: 'esdb://h:1?tls=false' },
      to: { kind: 'sqlite', path: resolve('x.db') },
      verifyOnly: true,
      inFlight: 64,
    });
  });

  it.each([
    [[], '--from is missing; allowed: sqlite:'],
    [['--from', 'sqlite:a'], '--to is missing'],
    [['--from', 'sqlite:a', '--to', 'postgres:b'], '--to: "postgres:b" names no event log'],
    [['--from', 'sqlite:', '--to', 'sqlite:b'], '--from: "sqlite:" names no event log'],
    [['--from', './data', '--to', 'sqlite:b'], '"./data" names no event log'],
    [['--from', 'sqlite:./a', '--to', 'sqlite:a'], 'name the same log'],
    [['--from', 'esdb://a', '--to', 'eventstoredb:'], 'One of the two logs has to be sqlite'],
    [['--from', 'sqlite:a', '--to', 'sqlite:b', '--in-flight', '0'], '--in-flight is "0"'],
    [['--from', 'sqlite:a', '--to', 'sqlite:b', '--in-flight', '513'], 'from 1 to 512'],
    [['--from', 'sqlite:a', '--to', 'sqlite:b', '--force'], '--force'],
    [['sqlite:a', 'sqlite:b'], 'sqlite:a'],
  ])('%j is refused: %s', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });

  it('never shows a password', () => {
    const secret = 'esdb://admin:hunter2@host:2113';
    const { from } = parseOptions(['--from', secret, '--to', 'sqlite:b'])!;
    expect(describeLogName(from)).toBe('esdb://…@host:2113');
    const wrong = () => parseOptions(['--from', `x${secret}`, '--to', 'sqlite:b']);
    expect(wrong).toThrow('"xesdb://…@host:2113" names no event log');
  });

  it('answers usage errors with 2, --help with 0', async () => {
    const written = { out: '', err: '' };
    const run = (...args: string[]) =>
      logCopy({
        args,
        variables: {},
        output: { write: (text) => (written.out += text) },
        errors: { write: (text) => (written.err += text) },
        signal: new AbortController().signal,
      });
    expect(await run('--from', 'sqlite:a')).toBe(2);
    expect(written).toEqual({
      out: '',
      err: expect.stringContaining('--to is missing') as unknown as string,
    });
    expect(await run('--help')).toBe(0);
    expect(written.out).toContain('Usage: npm run log:copy');
    expect(Math.max(...written.out.split('\n').map((line) => line.length))).toBeLessThan(110);
  });
});

describe('Progress', () => {
  const shown = (isTTY: boolean, columns?: number) => {
    let [now, text] = [0, ''];
    const output = { isTTY, columns, write: (more: string) => (text += more) };
    const progress = new Progress(output, 'copying', () => now);
    return {
      progress,
      at: (ms: number, events: number, fraction: number) => {
        now = ms;
        text = '';
        progress.update(events, fraction);
        return text;
      },
      end: () => ((text = ''), progress.end(), text),
    };
  };

  it('is one line with a bar on a terminal, which goes when the step ends', () => {
    const { at, end } = shown(true, 120);
    expect(at(50, 10, 0.1)).toContain('[##......................]  10 %, 10 events, 200/s');
    expect(at(100, 20, 0.2)).toBe('');
    expect(at(30_000, 30_000, 0.5)).toBe(
      '\r\u001b[2Kcopying [############............]  50 %, 30,000 events, 1,000/s, 30.0 s left',
    );
    expect(end()).toBe('\r\u001b[2K');
    expect(end()).toBe('');
  });

  it('is cut where the terminal ends', () => {
    expect(shown(true, 20).at(1, 1, 0.5)).toHaveLength('\r\u001b[2K'.length + 19);
  });

  it('is a plain line every ten seconds elsewhere', () => {
    const { at, end } = shown(false);
    expect(at(9_999, 10, 0.1)).toBe('');
    expect(at(10_000, 5_000, 0.25)).toBe('copying: 25 %, 5,000 events, 500/s, 30.0 s left\n');
    expect(at(15_000, 6_000, 0.3)).toBe('');
    expect(end()).toBe('');
  });

  it.each([
    [850, '850 ms'],
    [12_340, '12.3 s'],
    [245_000, '4 min 05 s'],
    [7_800_000, '2 h 10 min'],
  ])('says %d ms as %s', (ms, text) => expect(duration(ms)).toBe(text));
});
