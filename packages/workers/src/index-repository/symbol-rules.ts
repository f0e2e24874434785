/** Which nodes of a syntax tree define something, for each grammar. */
import type { SymbolKind } from '@taskmanager/protocol';

/**
 * What a node defines: a symbol of this kind, under the name in its field `name` (or the innermost
 * `declarator`). Without a kind it only holds others. A `function` right within a type is a method.
 */
export interface SymbolRule {
  readonly kind?: SymbolKind;
  /** The kind is decided by the node in its field `type`: `type Name struct {}` of Go. */
  readonly byType?: Readonly<Record<string, SymbolKind>>;
  /** Only with one of these nodes in its field `value`: `const name = () => {}`. */
  readonly ifValue?: readonly string[];
  /** Only with a body: `struct name x;` of C defines no struct. */
  readonly ifBody?: true;
}

type Rules = Readonly<Record<string, SymbolRule>>;

const kinds = (kind: SymbolKind, ...nodes: readonly string[]): Rules =>
  Object.fromEntries(nodes.map((node) => [node, { kind }]));

const JAVASCRIPT: Rules = {
  ...kinds('function', 'function_declaration', 'generator_function_declaration'),
  ...kinds('class', 'class_declaration'),
  ...kinds('method', 'method_definition'),
  variable_declarator: {
    kind: 'function',
    ifValue: ['arrow_function', 'function_expression', 'generator_function'],
  },
};

const TYPESCRIPT: Rules = {
  ...JAVASCRIPT,
  ...kinds('function', 'function_signature'),
  ...kinds('class', 'abstract_class_declaration'),
  ...kinds('method', 'abstract_method_signature', 'method_signature'),
  ...kinds('interface', 'interface_declaration'),
  ...kinds('type', 'type_alias_declaration'),
  ...kinds('enum', 'enum_declaration'),
  ...kinds('module', 'internal_module', 'module'),
};

const CPP: Rules = {
  ...kinds('function', 'function_definition'),
  class_specifier: { kind: 'class', ifBody: true },
  struct_specifier: { kind: 'struct', ifBody: true },
  union_specifier: { kind: 'union', ifBody: true },
  enum_specifier: { kind: 'enum', ifBody: true },
  ...kinds('module', 'namespace_definition'),
  ...kinds('type', 'type_definition', 'alias_declaration'),
  ...kinds('macro', 'preproc_def', 'preproc_function_def'),
};

/** By the name of the grammar's file. */
const RULES = {
  javascript: JAVASCRIPT,
  typescript: TYPESCRIPT,
  tsx: TYPESCRIPT,
  python: {
    ...kinds('function', 'function_definition'),
    ...kinds('class', 'class_definition'),
  },
  go: {
    ...kinds('function', 'function_declaration'),
    ...kinds('method', 'method_declaration'),
    ...kinds('type', 'type_alias'),
    type_spec: { kind: 'type', byType: { struct_type: 'struct', interface_type: 'interface' } },
    ...kinds('constant', 'const_spec'),
  },
  rust: {
    ...kinds('function', 'function_item', 'function_signature_item'),
    ...kinds('struct', 'struct_item'),
    ...kinds('enum', 'enum_item'),
    ...kinds('union', 'union_item'),
    ...kinds('trait', 'trait_item'),
    ...kinds('type', 'type_item', 'associated_type'),
    ...kinds('module', 'mod_item'),
    ...kinds('macro', 'macro_definition'),
    ...kinds('constant', 'const_item', 'static_item'),
    impl_item: {},
  },
  java: {
    ...kinds('class', 'class_declaration', 'record_declaration'),
    ...kinds('interface', 'interface_declaration', 'annotation_type_declaration'),
    ...kinds('enum', 'enum_declaration'),
    ...kinds('method', 'method_declaration', 'constructor_declaration'),
  },
  cpp: CPP,
  'c-sharp': {
    ...kinds('class', 'class_declaration', 'record_declaration'),
    ...kinds('interface', 'interface_declaration'),
    ...kinds('struct', 'struct_declaration'),
    ...kinds('enum', 'enum_declaration'),
    ...kinds('type', 'delegate_declaration'),
    ...kinds('method', 'method_declaration', 'constructor_declaration'),
    ...kinds('module', 'namespace_declaration', 'file_scoped_namespace_declaration'),
    ...kinds('function', 'local_function_statement'),
  },
  ruby: {
    ...kinds('function', 'method', 'singleton_method'),
    ...kinds('class', 'class'),
    ...kinds('module', 'module'),
  },
  php: {
    ...kinds('function', 'function_definition'),
    ...kinds('method', 'method_declaration'),
    ...kinds('class', 'class_declaration'),
    ...kinds('interface', 'interface_declaration'),
    ...kinds('trait', 'trait_declaration'),
    ...kinds('enum', 'enum_declaration'),
  },
  bash: kinds('function', 'function_definition'),
} as const satisfies Readonly<Record<string, Rules>>;

export type Grammar = keyof typeof RULES;

export const rulesOf = (grammar: Grammar): Rules => RULES[grammar];

/** By the names that linguist gives. There is no grammar of C alone: C++'s reads it. */
export const GRAMMARS: ReadonlyMap<string, Grammar> = new Map([
  ['JavaScript', 'javascript'],
  ['TypeScript', 'typescript'],
  ['TSX', 'tsx'],
  ['Python', 'python'],
  ['Go', 'go'],
  ['Rust', 'rust'],
  ['Java', 'java'],
  ['C', 'cpp'],
  ['C++', 'cpp'],
  ['C#', 'c-sharp'],
  ['Ruby', 'ruby'],
  ['PHP', 'php'],
  ['Shell', 'bash'],
]);

/** What a `function` right within is a method of. */
export const TYPES: ReadonlySet<SymbolKind | undefined> = new Set<SymbolKind | undefined>([
  'class',
  'enum',
  'interface',
  'struct',
  'trait',
  'union',
  undefined, // an impl of Rust
]);
