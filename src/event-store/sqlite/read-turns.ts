/** Rows that may be read before the event loop gets its turn; about 2 to 5 ms. */
const ROWS_A_TURN = 1_000;

/**
 * Reads are synchronous and a promise that is resolved already lets no I/O in between, so a reader in
 * a tight loop would starve everybody else. Past the budget a read waits for the next turn.
 */
export class ReadTurns {
  private rows = 0;
  private turn: Promise<void> | undefined;

  async next(): Promise<void> {
    while (this.rows >= ROWS_A_TURN) await this.turn;
  }

  spent(rows: number): void {
    this.rows += rows;
    this.turn ??= new Promise((resolve) =>
      setImmediate(() => {
        this.rows = 0;
        this.turn = undefined;
        resolve();
      }),
    );
  }
}
