/** The files of a generated repository that break careless programs. */
export interface GeneratedFile {
  readonly path: string;
  readonly content: string | Buffer;
}

const MIB = 1024 * 1024;

export const ODD_FILES: readonly GeneratedFile[] = [
  { path: 'README.md', content: '# Generated\n\nA repository for tests.\n' },
  { path: 'with space/and more.ts', content: 'export function spaceInName(): void {}\n' },
  { path: 'ünï/ćôde-文件.py', content: 'def unicode_name():\n    return "文件"\n' },
  { path: '-leading-dash.js', content: 'function leadingDash() {\n  return 1;\n}\n' },
  { path: 'new\nline.rb', content: 'def newline_in_name\n  1\nend\n' },
  { path: 'quote"and\\backslash.go', content: 'package odd\n\nfunc QuoteInName() {}\n' },
  { path: '--help', content: '#!/usr/bin/env bash\nscript_without_extension() {\n  true\n}\n' },
  { path: 'empty.txt', content: '' },
  { path: 'no-newline-at-end.txt', content: 'one\ntwo\nthree' },
  { path: 'windows.cs', content: 'class Windows {\r\n  void Ends() {}\r\n}\r\n' },
  { path: 'binary/picture.png', content: Buffer.from(bytes(4096)) },
  { path: 'binary/zeros.dat', content: Buffer.alloc(3000) },
  { path: 'text/latin1.txt', content: Buffer.from('caf\xe9\nna\xefve\n', 'latin1') },
  { path: 'large/log.txt', content: 'a line of a large text file, again\n'.repeat(60_000) },
  { path: 'large/data.bin', content: Buffer.from(bytes(2 * MIB)) },
  { path: 'large/one-line.js', content: `var table = [${'1,'.repeat(700_000)}1];\n` },
  { path: 'Makefile', content: 'all:\n\techo done\n' },
  { path: 'deep/'.repeat(40) + 'file.c', content: 'int deep(void) { return 40; }\n' },
];

/** Bytes of every value, a NUL among the first. */
function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 17) & 0xff);
}
