/** Names of backups: folders below BACKUP_DIR, never outside of it, and none that is hidden. */
export const BACKUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** @param at epoch milliseconds */
export const backupNameOf = (at: number): string =>
  new Date(at).toISOString().replace(/[:.]/g, '-');
