/** Writes down what admins tell the service to do. */
export abstract class AdminJournal {
  /**
   * Resolves when it is durable, or when it cannot be written: an admin must be able to act while the log
   * is in trouble, so it never rejects. Then a line in the service's log is all that tells of it.
   *
   * @param name the message's name
   * @param command the message with its context
   */
  abstract record(name: string, command: object): Promise<void>;
}
