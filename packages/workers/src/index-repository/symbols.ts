/** Finds what a file of code defines, with the grammars of tree-sitter. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as TreeSitter from '@vscode/tree-sitter-wasm';
import type { Language, Node, Parser, Tree } from '@vscode/tree-sitter-wasm';
import type { SymbolKind } from '@taskmanager/protocol';
import type { FoundSymbol } from '@taskmanager/search';
import { type Grammar, GRAMMARS, rulesOf, type SymbolRule, TYPES } from './symbol-rules.js';

/** Of one file; what comes after is left out. */
const MAX_SYMBOLS = 5_000;
const MAX_NAME_LENGTH = 200;
/** How long one file may hold up the process: for the syntax tree, and for reading it. */
const LIMIT_MS = 500;
const CLOCK_EVERY_NODES = 256;

interface Loaded {
  readonly parser: Parser;
  /** By the id of a node's type. */
  readonly rules: readonly (SymbolRule | undefined)[];
}

type Library = typeof TreeSitter;

const require = createRequire(import.meta.url);
const LIBRARY = require.resolve('@vscode/tree-sitter-wasm');
const GRAMMAR_FOLDER = dirname(LIBRARY);
/** One memory for all grammars, of all that find symbols. */
let library: Promise<Library> | undefined;

async function startLibrary(): Promise<Library> {
  Reflect.deleteProperty(require.cache, LIBRARY);
  const started = require(LIBRARY) as Library;
  await started.Parser.init();
  return started;
}

export class SymbolFinder {
  private ownLibrary: Promise<Library> | undefined;
  private readonly loaded = new Map<Grammar, Loaded>();

  /** @param limitMs for the syntax tree of one file, and again for reading it, milliseconds */
  constructor(private readonly limitMs = LIMIT_MS) {}

  /**
   * In the order of the file; none when there is no grammar, the file takes too long, or the grammar
   * fails at it. Code with mistakes is read as far as it can be understood.
   */
  async find(language: string | undefined, text: string): Promise<readonly FoundSymbol[]> {
    const grammar = GRAMMARS.get(language ?? '');
    if (grammar === undefined) return [];
    try {
      return this.parse(text, this.loaded.get(grammar) ?? (await this.load(grammar)));
    } catch (error) {
      if ((error as Error).name !== 'RuntimeError') throw error;
      this.giveUpLibrary();
      return [];
    }
  }

  private parse(text: string, { parser, rules }: Loaded): readonly FoundSymbol[] {
    const limit = performance.now() + this.limitMs;
    const tree = parser.parse(text, null, { progressCallback: () => performance.now() > limit });
    if (!tree) {
      parser.reset(); // or it would go on with this file
      return [];
    }
    try {
      return symbolsOf(tree, rules, performance.now() + this.limitMs);
    } finally {
      tree.delete();
    }
  }

  /** The grammars' memory is not the garbage collector's. */
  close(): void {
    for (const { parser } of this.loaded.values()) parser.delete();
    this.loaded.clear();
  }

  /** A fault spoils its memory for good: nothing of it is used again, not even to free it. */
  private giveUpLibrary(): void {
    if (library === this.ownLibrary) library = undefined;
    this.ownLibrary = undefined;
    this.loaded.clear();
  }

  private async load(grammar: Grammar): Promise<Loaded> {
    this.ownLibrary ??= library ??= startLibrary();
    const started = await this.ownLibrary;
    const language = await started.Language.load(
      join(GRAMMAR_FOLDER, `tree-sitter-${grammar}.wasm`),
    );
    const parser = new started.Parser();
    parser.setLanguage(language);
    const loaded = { parser, rules: rulesByType(language, grammar) };
    this.loaded.set(grammar, loaded);
    return loaded;
  }
}

function rulesByType(language: Language, grammar: Grammar): (SymbolRule | undefined)[] {
  const rules = rulesOf(grammar);
  return language.types.map((type, id) =>
    language.nodeTypeIsNamed(id) && Object.hasOwn(rules, type) ? rules[type] : undefined,
  );
}

/**
 * Walks the tree with a cursor: a query of tree-sitter takes for ever in code that is nested deeply.
 *
 * @param limit on the clock of `performance.now()`
 */
function symbolsOf(tree: Tree, rules: Loaded['rules'], limit: number): FoundSymbol[] {
  const found: FoundSymbol[] = [];
  /** The definitions around the cursor, innermost last. */
  const around: { readonly depth: number; readonly kind: SymbolKind | undefined }[] = [];
  const cursor = tree.walk();
  try {
    for (let depth = 0, seen = 1; ; seen += 1) {
      if (seen % CLOCK_EVERY_NODES === 0 && performance.now() > limit) return found;
      const rule = rules[cursor.nodeTypeId];
      if (rule) {
        const symbol = rule.kind && symbolOf(cursor.currentNode, rule, around.at(-1));
        if (symbol) found.push(symbol);
        if (found.length === MAX_SYMBOLS) return found;
        if (symbol || !rule.kind) around.push({ depth, kind: symbol?.kind });
      }
      if (cursor.gotoFirstChild()) {
        depth += 1;
        continue;
      }
      for (;;) {
        if (around.at(-1)?.depth === depth) around.pop();
        if (cursor.gotoNextSibling()) break;
        if (!cursor.gotoParent()) return found;
        depth -= 1;
      }
    }
  } finally {
    cursor.delete();
  }
}

function symbolOf(
  node: Node,
  rule: SymbolRule,
  within: { readonly kind: SymbolKind | undefined } | undefined,
): FoundSymbol | undefined {
  if (rule.ifBody && !node.childForFieldName('body')) return undefined;
  if (rule.ifValue && !rule.ifValue.includes(node.childForFieldName('value')?.type ?? ''))
    return undefined;
  const name = node.childForFieldName('name') ?? declared(node);
  if (!name?.text) return undefined;
  const type = rule.byType && node.childForFieldName('type')?.type;
  const kind = (type && rule.byType[type]) ?? rule.kind;
  if (!kind) return undefined;
  return {
    name: name.text.slice(0, MAX_NAME_LENGTH),
    kind: kind === 'function' && within && TYPES.has(within.kind) ? 'method' : kind,
    line: name.startPosition.row + 1,
  };
}

/** `int *Outer::name(void)` of C++ declares `name`: the innermost declarator, without what qualifies it. */
function declared(node: Node): Node | null {
  let at = node.childForFieldName('declarator');
  for (let next = at; next; next = at && declaredBy(at)) at = next;
  return at;
}

/** References and parentheses have no fields. */
function declaredBy(node: Node): Node | null {
  if (/^(reference|parenthesized)_declarator$/.test(node.type)) return node.firstNamedChild;
  return node.childForFieldName('declarator') ?? node.childForFieldName('name');
}
