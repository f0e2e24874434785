import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Actor } from '@taskmanager/protocol';
import { permissionsOf } from './permissions.js';

/** Whom a token stands for. */
export interface Caller {
  readonly actor: Actor;
  /** Apps whose tasks he may see and touch; all when undefined. */
  readonly apps?: readonly string[];
  readonly maySend: (subject: string) => boolean;
}

/** The token file as it stands now, by SHA-256 (hex) of each token. */
export class TokenFile {
  private constructor(private readonly callers: ReadonlyMap<string, Caller>) {}

  /** @throws Error with one line that says what is wrong with the file, never showing a token */
  static read(path: string): TokenFile {
    const entries = Object.entries(parseObject(path));
    return new TokenFile(
      new Map(entries.map(([sha, value]) => [checkedHash(path, sha), callerOf(path, sha, value)])),
    );
  }

  get size(): number {
    return this.callers.size;
  }

  callerWith(token: string): Caller | undefined {
    return this.callers.get(hash('sha256', token, 'hex'));
  }
}

function parseObject(path: string): object {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message;
    throw new Error(`AUTH_FILE ${path} cannot be read: ${reason}`, { cause: error });
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new Error(
      `AUTH_FILE ${path} must be an object: SHA-256 of a token → { id, roles, apps? }`,
    );
  }
  return content;
}

function checkedHash(path: string, sha: string): string {
  if (/^[0-9a-f]{64}$/i.test(sha)) return sha.toLowerCase();
  throw new Error(
    `AUTH_FILE ${path}: a key is no SHA-256 in hex (64 digits); it starts with "${sha.slice(0, 4)}". Tokens themselves do not belong there`,
  );
}

function callerOf(path: string, sha: string, value: unknown): Caller {
  const { id, roles, apps, ...others } = (value ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(others);
  if (
    typeof id !== 'string' ||
    id === '' ||
    !isTexts(roles) ||
    (apps !== undefined && !isTexts(apps)) ||
    unknown.length > 0
  ) {
    throw new Error(
      `AUTH_FILE ${path}: the entry ${sha.slice(0, 8)}… must be { id: text, roles: [text], apps?: [text] }`,
    );
  }
  return {
    actor: { id, roles, verified: true },
    ...(apps === undefined ? {} : { apps }),
    maySend: permissionsOf(roles, apps),
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
