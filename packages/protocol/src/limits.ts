const KIB = 1024;

/** Sizes in bytes of UTF-8 JSON text unless the name says otherwise. Past one: `PAYLOAD_TOO_LARGE`. */
export const LIMITS = {
  /** `data`, `input`, `result` and `checkpoint`, each. */
  payloadBytes: 128 * KIB,
  /** `error`, `message`, and every `reason` and `comment`. */
  textBytes: 8 * KIB,
  labels: 32,
  /** Characters of a label's key and of its value. */
  labelLength: 128,
  nameLength: 500,
  appNameLength: 128,
  actorIdLength: 256,
  /** Approvers and escalation targets of one request, each. */
  approvers: 100,
  /** One request, its envelope included. */
  requestBytes: 1024 * KIB,
  /** Lists, claims, history and feed stop here, with a cursor. */
  answerBytes: 768 * KIB,
  batchCommands: 1_000,
  /** Tasks in one page of a list. */
  listPage: 500,
  listPageDefault: 100,
  /** Events in one page of a history or of the feed. */
  eventPage: 1_000,
  eventPageDefault: 100,
  claim: 100,
  /** Tasks that one filter command touches. */
  filterCommand: 1_000,
  /** Longest wait of claim_tasks and read_events, milliseconds. */
  waitMs: 30_000,
  /** How long a query waits for `meta.after`, milliseconds. */
  afterMs: 2_000,
  /** Events looked at by one read_events call. */
  feedScan: 10_000,
  leaseMsMin: 1_000,
  leaseMsDefault: 30_000,
  leaseMsMax: 86_400_000,
  maxStalls: 3,
  maxRetries: 1_000,
  /** Longest duration accepted anywhere, milliseconds: ten years. */
  durationMs: 315_360_000_000,
  /** Task types that may be paused or limited at once. */
  ruledTaskTypes: 10_000,
  /** Tasks of one type that workers may hold at once, where there is a limit. */
  maxRunning: 1_000_000,
  /** commandIds that a task remembers. */
  rememberedCommands: 100,
  /** Refusals recorded for one task; one RefusalsOmitted follows. */
  refusalsPerTask: 1_000,
  refusalsPerSecond: 10,
  inFlightPerProcess: 1_024,
  inFlightPerConnection: 256,
  /** Claims and feeds that wait. */
  waiting: 10_000,
  textFilterMin: 3,
  textFilterMax: 200,
} as const;
