import { describe, expect, it } from '@jest/globals';
import { collectLines } from '../git/lines.js';
import { CloneProgressReader } from './clone-progress.js';

function read(...lines: string[]) {
  const reader = new CloneProgressReader();
  return lines.map((line) => reader.read(line)?.percent);
}

describe('The progress of a clone', () => {
  it('goes through all phases, each with its share', () => {
    const lines = [
      'remote: Enumerating objects: 5, done.',
      'remote: Counting objects: 100% (5/5), done.',
      'remote: Compressing objects:  50% (1/2)',
      'Receiving objects:   0% (0/10)',
      'Receiving objects:  50% (5/10), 1.20 MiB | 3.00 MiB/s',
      'Resolving deltas: 100% (3/3), done.',
      'Updating files: 100% (9/9), done.',
    ];
    expect(read(...lines)).toEqual([undefined, 5, 7, 10, 40, 80, 99]);
    const reader = new CloneProgressReader();
    expect(reader.read(lines[4] ?? '')?.message).toBe(
      'receiving 50% (5/10), 1.20 MiB | 3.00 MiB/s',
    );
  });

  it('never goes back, whatever the server says', () => {
    expect(
      read(
        'Receiving objects:  50% (5/10)',
        'Receiving objects:  40% (4/10)',
        'remote: Counting objects: 100% (5/5)',
        'remote: Receiving objects: 90% (9/10)',
        'Receiving objects: 999% (9/10)',
        'Resolving deltas:   0% (0/3)',
      ),
    ).toEqual([40, undefined, undefined, undefined, 70, 70]);
  });
});

describe('Lines', () => {
  it('end with \\n or \\r, wherever chunks are cut, and have a limit', () => {
    const lines: string[] = [];
    const take = collectLines((line) => lines.push(line));
    for (const chunk of ['one\rtw', 'o\r\nth', 'ree', '\n']) take(Buffer.from(chunk));
    for (let i = 0; i < 100; i += 1) take(Buffer.from('x'.repeat(1_000)));
    take(Buffer.from('\n'));
    expect(lines.slice(0, 3)).toEqual(['one', 'two', 'three']);
    expect(lines[3]).toHaveLength(4_096);
  });
});
