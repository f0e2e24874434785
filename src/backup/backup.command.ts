import { Matches } from 'class-validator';
import { Optional } from '../context/message-fields.js';
import { BACKUP_NAME } from './backup-name.js';

/** Copies the log, while it is written to, into a folder of its own below BACKUP_DIR. */
export class Backup {
  static readonly message = 'backup';
  static readonly journaled = false as const;

  /** Of the folder; the time when left out. */
  @Optional()
  @Matches(BACKUP_NAME, {
    message:
      '$property must be 1 to 100 letters, digits, dots, hyphens and underscores, the first a letter or digit',
  })
  readonly name?: string;
}
