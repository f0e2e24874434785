import { languageOf } from './languages.js';

it.each([
  ['a/b.ts', '', 'TypeScript'],
  ['b.tsx', '', 'TSX'],
  ['b.d.ts', '', 'TypeScript'],
  ['b.mjs', '', 'JavaScript'],
  ['b.h', '', 'C'],
  ['b.hpp', '', 'C++'],
  ['b.cs', '', 'C#'],
  ['b.rs', '', 'Rust'],
  ['b.php', '', 'PHP'],
  ['b.md', '', 'Markdown'],
  ['b.html', '', 'HTML'],
  ['b.json', '', 'JSON'],
  ['b.yml', '', 'YAML'],
  ['b.yaml', '', 'YAML'],
  ['b.sql', '', 'SQL'],
  ['b.PY', '', 'Python'],
  ['Makefile', '', 'Makefile'],
  ['Dockerfile', '', 'Dockerfile'],
  ['run', '#!/bin/sh\n', 'Shell'],
  ['run', '#!/usr/bin/env -S X=1 python3.11 -u\n', 'Python'],
  ['run', '#! /usr/bin/node\n', 'JavaScript'],
  ['run', '#!', undefined],
  ['run', 'text', undefined],
  ['.hidden', '', undefined],
  ['constructor', '', undefined],
])('takes %j beginning with %j for %s', (path, start, language) => {
  expect(languageOf(path, start)).toBe(language);
});
