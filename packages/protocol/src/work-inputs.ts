import type { Json } from './task-info.js';

/**
 * What the task types that come with TaskManager (`packages/workers`) take as input, and the rules that
 * both its commands and its workers check: a task can be created without the command.
 */

/** Says what a value must be when it is not: a sentence without its subject, and without the value. */
export type WorkRule = (value: unknown) => string | undefined;

/** The rules of an input by its fields. */
export type WorkRules = Readonly<
  Record<string, { readonly rule: WorkRule; readonly optional?: true }>
>;

/** What is wrong with an input, as a sentence; undefined when it obeys. */
export function problemOfInput(input: Json | undefined, rules: WorkRules): string | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return 'the input must be an object';
  const fields = input as Readonly<Record<string, Json | undefined>>;
  const unknown = Object.keys(fields).find((field) => !Object.hasOwn(rules, field));
  if (unknown !== undefined) return `the input has no field ${JSON.stringify(unknown)}`;
  for (const [field, { rule, optional }] of Object.entries(rules)) {
    const value = fields[field];
    if (optional && value === undefined) continue;
    const problem = rule(value);
    if (problem !== undefined) return `${field} ${problem}`;
  }
  return undefined;
}

const WORK_PATH_LENGTH = 4_096;
const A_PATH = `must be a path of 1 to ${WORK_PATH_LENGTH} characters, below a folder of WORKER_ROOTS`;

/** Where it leads, symlinks resolved, only the worker can see. */
export const whyNoWorkPath: WorkRule = (value) => {
  if (typeof value !== 'string' || value === '' || value.length > WORK_PATH_LENGTH) return A_PATH;
  return hasControls(value) ? 'must be a path without control characters' : undefined;
};

// clone_repository ------------------------------------------------------------------------------------

export interface CloneRepositoryInput {
  /** `https://host/path`, `ssh://host/path`, or `file:///path` below the worker's roots. */
  readonly url: string;
  /** A branch or a tag; the repository's own default when left out. */
  readonly branch?: string;
  /** Where to, relative to the first root; named after the repository when left out. */
  readonly directory?: string;
}

const URL_LENGTH = 2_048;
const A_URL = `must be a URL of a repository: https://host/path, ssh://host/path or file:///path, at most ${URL_LENGTH} characters`;
/** Host names, IPv4 addresses and IPv6 addresses in brackets; no number that a resolver takes for an address. */
const HOST = String.raw`(?:[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9][A-Za-z0-9-]*)*\.?|\[[0-9A-Fa-f:.]+\])`;
const PATH = String.raw`\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]+`;
const REMOTE_URL = new RegExp(`^(?:https|ssh)://${HOST}(?::[0-9]{1,5})?${PATH}$`);
const FILE_URL = new RegExp(`^file://${PATH}$`);

export const whyNoRepositoryUrl: WorkRule = (value) => {
  if (typeof value !== 'string' || value.length > URL_LENGTH) return A_URL;
  if (/^[a-z+]+:\/\/[^/]*@/i.test(value))
    return 'must hold no user or password, for a task keeps its input for ever';
  if (/^(?:[^/:@]+@)?[^/:]+:(?!\/\/|:)/.test(value))
    return 'must be a URL: instead of user@host:path write ssh://host/path';
  if (/[?#]/.test(value)) return 'must have neither a query nor a fragment';
  return REMOTE_URL.test(value) || FILE_URL.test(value) ? undefined : A_URL;
};

const BRANCH_LENGTH = 250;
const A_BRANCH = `must be the name of a branch or tag, 1 to ${BRANCH_LENGTH} characters`;

/** The rules of git check-ref-format, and no `-` in front, which git would take for an option. */
export const whyNoBranch: WorkRule = (value) => {
  if (typeof value !== 'string' || value === '' || value.length > BRANCH_LENGTH) return A_BRANCH;
  const wrong =
    hasControls(value) ||
    /^-|^@$|[ ~^:?*[\\]|\.\.|@\{|\.$/.test(value) ||
    value.split('/').some((part) => part === '' || part.startsWith('.') || part.endsWith('.lock'));
  return wrong ? `${A_BRANCH}, as git allows it` : undefined;
};

export const CLONE_REPOSITORY_RULES = {
  url: { rule: whyNoRepositoryUrl },
  branch: { rule: whyNoBranch, optional: true },
  directory: { rule: whyNoWorkPath, optional: true },
} as const satisfies WorkRules;

// index_repository ------------------------------------------------------------------------------------

export interface IndexRepositoryInput {
  /** The top of a git work tree, relative to the first root. */
  readonly directory: string;
}

export const INDEX_REPOSITORY_RULES = {
  directory: { rule: whyNoWorkPath },
} as const satisfies WorkRules;

// import_files ----------------------------------------------------------------------------------------

export interface ImportFilesInput {
  /** Files, and folders with all that is in them; relative to the first root, symlinks are not followed. */
  readonly sources: readonly string[];
  /** The folder of the store, which is made: content-addressed with SHA-256, it may hold more imports. */
  readonly destination: string;
  /** How many files are copied at once: 8 when left out. */
  readonly concurrency?: number;
}

const IMPORT_SOURCES = 1_000;
const IMPORT_CONCURRENCY = 64;

export const whyNoWorkPaths: WorkRule = (value) => {
  if (!Array.isArray(value) || value.length === 0 || value.length > IMPORT_SOURCES)
    return `must be a list of 1 to ${IMPORT_SOURCES} paths`;
  const problem = value.map(whyNoWorkPath).find((each) => each !== undefined);
  return problem === undefined ? undefined : `must be paths, each of which ${problem}`;
};

export const whyNoImportConcurrency: WorkRule = (value) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= IMPORT_CONCURRENCY
    ? undefined
    : `must be a whole number from 1 to ${IMPORT_CONCURRENCY}`;

export const IMPORT_FILES_RULES = {
  sources: { rule: whyNoWorkPaths },
  destination: { rule: whyNoWorkPath },
  concurrency: { rule: whyNoImportConcurrency, optional: true },
} as const satisfies WorkRules;

function hasControls(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}
