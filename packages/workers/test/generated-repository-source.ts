/** The ordinary files of a generated repository: code of many languages, with text between. */
import type { GeneratedFile } from './generated-repository-odd.js';

const WORDS =
  'read write open close parse format load store merge split find match count order queue index cache token frame batch'.split(
    ' ',
  );

/** The `unit`th function of a file, in its language. */
type Unit = (name: string, body: string) => string;

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const pascal = (name: string): string => name.split('_').map(capital).join('');
const camel = (name: string): string => name.split('_')[0] + pascal(name).slice(name.indexOf('_'));

const LANGUAGES: readonly (readonly [extension: string, unit: Unit])[] = [
  [
    'ts',
    (n, b) =>
      `/** ${b} */\nexport class ${pascal(n)} {\n  constructor(readonly size: number) {}\n\n  ${camel(n)}(by: number): number {\n    return this.size * by;\n  }\n}\n`,
  ],
  ['js', (n, b) => `// ${b}\nexport function ${camel(n)}(value) {\n  return value + 1;\n}\n`],
  [
    'py',
    (n, b) =>
      `class ${pascal(n)}:\n    """${b}"""\n\n    def ${n}(self, value):\n        return value + 1\n\n`,
  ],
  [
    'go',
    (n, b) => `// ${pascal(n)}: ${b}\nfunc ${pascal(n)}(value int) int {\n\treturn value + 1\n}\n`,
  ],
  ['rs', (n, b) => `/// ${b}\npub fn ${n}(value: i32) -> i32 {\n    value + 1\n}\n`],
  [
    'java',
    (n, b) =>
      `/** ${b} */\nclass ${pascal(n)} {\n    int ${camel(n)}(int value) {\n        return value + 1;\n    }\n}\n`,
  ],
  ['c', (n, b) => `/* ${b} */\nint ${n}(int value)\n{\n\treturn value + 1;\n}\n`],
  [
    'cpp',
    (n, b) =>
      `// ${b}\nclass ${pascal(n)} {\n public:\n  int ${camel(n)}(int value) { return value + 1; }\n};\n`,
  ],
  [
    'cs',
    (n, b) =>
      `/// ${b}\nclass ${pascal(n)}\n{\n    int ${pascal(n)}Of(int value) => value + 1;\n}\n`,
  ],
  ['rb', (n, b) => `# ${b}\ndef ${n}(value)\n  value + 1\nend\n`],
  ['php', (n, b) => `/* ${b} */\nfunction ${n}($value) {\n    return $value + 1;\n}\n`],
  ['sh', (n, b) => `# ${b}\n${n}() {\n  echo "$1"\n}\n`],
  [
    'tsx',
    (n, b) => `/** ${b} */\nexport function ${pascal(n)}(): unknown {\n  return <p>${n}</p>;\n}\n`,
  ],
  ['md', (n, b) => `## ${n}\n\n${b}.\n`],
  ['json', (n, b) => `{ "${n}": "${b}" }\n`],
];

const HEADS: Readonly<Record<string, string>> = {
  go: 'package generated\n\n',
  php: '<?php\n\n',
  sh: '#!/bin/sh\n\n',
};

/** The same file for the same index and seed; every name in it ends in the index. */
export function sourceFile(index: number, seed: number): GeneratedFile {
  const next = random(index * 7919 + seed);
  const word = (): string => WORDS[next() % WORDS.length] ?? 'word';
  const [extension, unit] = LANGUAGES[next() % LANGUAGES.length] ?? LANGUAGES[0]!;
  const units = extension === 'json' ? 1 : 1 + (next() % 8);
  const text = Array.from({ length: units }, (_, at) =>
    unit(`${word()}_${word()}_${index}_${at}`, `${word()} ${word()} the ${word()} ${seed}`),
  );
  return {
    path: `${word()}/${word()}/${word()}-${index}.${extension}`,
    content: (HEADS[extension] ?? '') + text.join('\n'),
  };
}

/** Numbers that look random and are the same each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
