import { createRequire } from 'node:module';
import { jest } from '@jest/globals';
import type * as TreeSitter from '@vscode/tree-sitter-wasm';
import { SymbolFinder } from './symbols.js';

/** What a file takes is the machine's matter: where it has much to do, longer than is well for others. */
const finder = new SymbolFinder(20_000);
afterAll(() => finder.close());

it.each([
  [
    'JavaScript',
    'class A {\n  b() {}\n}\nfunction* c() {}\nconst d = () => {};\nconst e = 1;\n',
    ['class A 1', 'method b 2', 'function c 4', 'function d 5'],
  ],
  [
    'TypeScript',
    'interface A { b(): void }\ntype C = 1;\nenum D {}\nabstract class E { abstract f(): void; }\nnamespace G {}\n',
    [
      'interface A 1',
      'method b 1',
      'type C 2',
      'enum D 3',
      'class E 4',
      'method f 4',
      'module G 5',
    ],
  ],
  ['TSX', 'export function View() {\n  return <p>text</p>;\n}\n', ['function View 1']],
  [
    'Python',
    '@decorated\nclass A:\n  def b(self):\n    def c(): pass\nasync def d(): pass\n',
    ['class A 2', 'method b 3', 'function c 4', 'function d 5'],
  ],
  [
    'Go',
    'package x\ntype A struct{}\ntype B interface{}\ntype C int\nfunc D() {}\nfunc (a A) E() {}\nconst F = 1\n',
    ['struct A 2', 'interface B 3', 'type C 4', 'function D 5', 'method E 6', 'constant F 7'],
  ],
  [
    'Rust',
    'struct A;\nimpl A { fn b() {} }\ntrait C { fn d(); }\nfn e() {}\nmod f {}\nmacro_rules! g { () => {} }\nconst H: u8 = 1;\nenum I {}\n',
    [
      ...['struct A 1', 'method b 2', 'trait C 3', 'method d 3', 'function e 4', 'module f 5'],
      ...['macro g 6', 'constant H 7', 'enum I 8'],
    ],
  ],
  [
    'Java',
    'class A {\n  A() {}\n  int b() { return 1; }\n}\ninterface C {}\nenum D {}\nrecord E() {}\n',
    ['class A 1', 'method A 2', 'method b 3', 'interface C 5', 'enum D 6', 'class E 7'],
  ],
  [
    'C',
    'struct a { int x; };\nstruct a *b(struct a y) {\n  return 0;\n}\n#define C 1\ntypedef int d;\nunion e { int x; };\nint prototype(void);\n',
    ['struct a 1', 'function b 2', 'macro C 5', 'type d 6', 'union e 7'],
  ],
  [
    'C++',
    'namespace a {\nclass B {\n  void c() {}\n};\n}\nint& a::B::d() {}\nenum class E { x };\nusing F = int;\n',
    ['module a 1', 'class B 2', 'method c 3', 'function d 6', 'enum E 7', 'type F 8'],
  ],
  [
    'C#',
    'namespace A;\nclass B {\n  B() {}\n  int C() => 1;\n}\nstruct D {}\ninterface E {}\n',
    ['module A 1', 'class B 2', 'method B 3', 'method C 4', 'struct D 6', 'interface E 7'],
  ],
  [
    'Ruby',
    'module A\n  class B\n    def c; end\n    def self.d; end\n  end\nend\ndef e; end\n',
    ['module A 1', 'class B 2', 'method c 3', 'method d 4', 'function e 7'],
  ],
  [
    'PHP',
    '<?php\nfunction a() {}\nclass B { function c() {} }\ninterface D {}\ntrait E {}\n',
    ['function a 2', 'class B 3', 'method c 3', 'interface D 4', 'trait E 5'],
  ],
  ['Shell', 'a() {\n  true\n}\nfunction b {\n  true\n}\n', ['function a 1', 'function b 4']],
  ['Markdown', '# function a() {}\n', []],
])('finds what is defined in %s', async (language, text, expected) => {
  const found = await finder.find(language, text);
  expect(found.map(({ kind, name, line }) => `${kind} ${name} ${line}`)).toEqual(expected);
});

it('reads on where code is broken', async () => {
  const found = await finder.find(
    'JavaScript',
    'function a() {}\n)))}{ = class\nfunction b() {}\n',
  );
  expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining(['a', 'b']));
});

it('leaves out what comes after too many', async () => {
  const text = Array.from({ length: 6_000 }, (_, at) => `function f${at}() {}\n`).join('');
  expect(await finder.find('JavaScript', text)).toHaveLength(5_000);
});

it('finds nothing in a file at which the grammar fails, and starts anew for the next', async () => {
  await finder.find('Go', 'package x\n');
  const library = createRequire(import.meta.url)('@vscode/tree-sitter-wasm') as typeof TreeSitter;
  const init = jest.spyOn(library.Parser, 'init');
  const parse = jest.spyOn(library.Parser.prototype, 'parse').mockImplementationOnce(() => {
    throw Object.assign(new Error('memory access out of bounds'), { name: 'RuntimeError' });
  });
  try {
    expect(await finder.find('Go', 'package x\ntype A int\n')).toEqual([]);
    expect(await finder.find('Go', 'package x\ntype A int\n')).toHaveLength(1);
    expect(init).toHaveBeenCalledTimes(1);
  } finally {
    parse.mockRestore();
    init.mockRestore();
  }
});
