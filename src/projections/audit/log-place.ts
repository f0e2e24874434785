/** Where the log lies, as an admin is told. */
export abstract class LogPlace {
  /** `sqlite` or `eventstoredb`. */
  abstract readonly kind: string;
  /** Path of its file; undefined where it is no file. */
  abstract readonly file: string | undefined;
}
