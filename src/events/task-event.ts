/**
 * A fact about one task. `type` and `version` are its stable name in the log, which no renaming of the
 * class may change; `data` is plain JSON.
 */
export abstract class TaskEvent<Data extends object = object> {
  abstract readonly type: string;
  abstract readonly version: number;

  constructor(readonly data: Data) {}
}
