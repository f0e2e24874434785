import Database from '@taskmanager/sqlite-driver';

export interface ManifestRow {
  readonly path: string;
  readonly size: number;
  readonly hash: string | null;
  readonly error: string | null;
}

/** What an import says of each file. */
export function manifestRows(manifest: string): ManifestRow[] {
  const db = new Database(manifest, { readonly: true });
  try {
    return db.prepare<[], ManifestRow>('SELECT path, size, hash, error FROM file').all();
  } finally {
    db.close();
  }
}

/** The hash of each file that was imported. */
export const manifestHashes = (manifest: string): Map<string, string> =>
  new Map(
    manifestRows(manifest).flatMap(({ path, hash }) => (hash === null ? [] : [[path, hash]])),
  );
