/** What came back for one message: Nest's reply without its envelope. */
export interface Reply {
  readonly response?: unknown;
  readonly err?: unknown;
}

/**
 * Carries one message to the service and its reply back. It promises nothing about what a lost
 * connection did to a message: `TransportFailure.sent` says only whether it may have arrived.
 * Sending again is the sender's business.
 */
export interface Transport {
  /** Why there is no connection now: it has to be opened before the next request. */
  readonly trouble: string | undefined;
  /**
   * Connects, at the latest within `timeoutMs`.
   * @throws TransportFailure, or TaskManagerError when trying again is useless
   */
  open(timeoutMs: number): Promise<void>;
  /**
   * @param subject the full name, e.g. `tasks.command.create_task`
   * @param body the request as JSON text
   * @param timeoutMs for sending and answering
   * @throws TransportFailure, or TaskManagerError when trying again is useless
   */
  request(subject: string, body: string, timeoutMs: number, signal?: AbortSignal): Promise<Reply>;
  /** Frees sockets and timers; whatever is in flight fails. */
  close(): Promise<void>;
}

export type FailureReason =
  'not_connected' | 'connection_lost' | 'no_answer' | 'aborted' | 'closed';

/** A message got no reply. */
export class TransportFailure extends Error {
  constructor(
    readonly reason: FailureReason,
    /** It may have reached the service. */
    readonly sent: boolean,
    message: string,
  ) {
    super(message);
  }
}
