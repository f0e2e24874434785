/** Which language a file is in, by its name and its first line. */
import { basename } from 'node:path';
import * as linguist from 'linguist-languages';

interface Language {
  readonly name: string;
  /** The one that is its own is first. */
  readonly extensions?: readonly string[];
  readonly filenames?: readonly string[];
  readonly interpreters?: readonly string[];
}

/**
 * Many languages share an extension or an interpreter. GitHub tells them apart by content; here the better
 * known wins: one of these whose own extension it is, then one of these, in this order, then whose own it is.
 */
const WELL_KNOWN = [
  ...[
    'C',
    'C++',
    'C#',
    'GLSL',
    'Shell',
    'Python',
    'Perl',
    'Ruby',
    'PHP',
    'JavaScript',
    'TypeScript',
  ],
  ...[
    'Markdown',
    'Text',
    'HTML',
    'JSON',
    'YAML',
    'SQL',
    'Objective-C',
    'Rust',
    'R',
    'D',
    'F#',
    'OCaml',
  ],
  ...[
    'Verilog',
    'INI',
    'Common Lisp',
    'Scheme',
    'Makefile',
    'Fortran',
    'Assembly',
    'Kotlin',
    'Scala',
  ],
];

const ALL: readonly Language[] = Object.values(linguist);

/** Keys to the language that wins each. */
function winners(
  keysOf: (language: Language) => readonly string[] | undefined,
): Map<string, string> {
  const best = new Map<string, { readonly name: string; readonly rank: number }>();
  for (const language of ALL) {
    keysOf(language)?.forEach((key, at) => {
      const known = WELL_KNOWN.indexOf(language.name);
      const rank = (known < 0 ? 1_000 : known) + (at === 0 ? 0 : 100);
      if (rank < (best.get(key)?.rank ?? Infinity)) best.set(key, { name: language.name, rank });
    });
  }
  return new Map([...best].map(([key, { name }]) => [key, name]));
}

const BY_FILENAME = winners((language) => language.filenames);
const BY_EXTENSION = winners((language) => language.extensions);
const BY_INTERPRETER = winners((language) => language.interpreters);

/** @param path of the file @param start its first characters @returns its name at GitHub Linguist */
export function languageOf(path: string, start: string): string | undefined {
  const name = basename(path);
  return BY_FILENAME.get(name) ?? byExtension(name) ?? byShebang(start);
}

/** The longest that is known: `.d.ts` before `.ts`. */
function byExtension(name: string): string | undefined {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const extension = name.slice(dot);
    const language = BY_EXTENSION.get(extension) ?? BY_EXTENSION.get(extension.toLowerCase());
    if (language !== undefined) return language;
  }
  return undefined;
}

/** `#!/usr/bin/env -S FOO=1 python3.11 -u` is Python. */
function byShebang(start: string): string | undefined {
  if (!start.startsWith('#!')) return undefined;
  const [line = ''] = start.slice(2).split('\n', 1);
  const words = line.trim().split(/\s+/);
  const program =
    basename(words[0] ?? '') === 'env'
      ? words.slice(1).find((word) => !word.startsWith('-') && !word.includes('='))
      : words[0];
  const interpreter = basename(program ?? '');
  return BY_INTERPRETER.get(interpreter) ?? BY_INTERPRETER.get(interpreter.replace(/[\d.]+$/, ''));
}
