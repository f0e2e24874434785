import { Injectable } from '@nestjs/common';

interface Claim {
  readonly giveWay: AbortController;
  readonly ended: Promise<unknown>;
}

/**
 * Claims that this process decides, by effective command id. One that is sent again takes the place of
 * the one before: that stops waiting, and nothing is decided under one id twice at a time.
 */
@Injectable()
export class StandingClaims {
  private readonly latest = new Map<string, Claim>();
  private readonly looking = new Set<Promise<unknown>>();

  /** Runs one look for tasks with all that follows from it, but not the wait for others. */
  async look<T>(work: () => Promise<T>): Promise<T> {
    const result = work();
    const looking = result.catch(() => undefined);
    this.looking.add(looking);
    try {
      return await result;
    } finally {
      this.looking.delete(looking);
    }
  }

  /** Resolves when the looks that are under way now have ended: no later one goes by what they went by. */
  async ended(): Promise<void> {
    await Promise.all(this.looking);
  }

  /**
   * Runs the claim when the one before it has ended, which is at once if it waits. `work` gets a signal
   * that fires when its answer is of no use: its caller is gone, or it was sent again.
   */
  async run<T>(
    commandId: string,
    gone: AbortSignal | undefined,
    work: (over: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const before = this.latest.get(commandId);
    const giveWay = new AbortController();
    const end = () => giveWay.abort();
    before?.giveWay.abort();
    if (gone?.aborted) end();
    gone?.addEventListener('abort', end);
    // Whatever came of the one before, this one looks for itself.
    const result = before ? before.ended.then(() => work(giveWay.signal)) : work(giveWay.signal);
    const claim = { giveWay, ended: result.catch(() => undefined) };
    this.latest.set(commandId, claim);
    try {
      return await result;
    } finally {
      gone?.removeEventListener('abort', end);
      if (this.latest.get(commandId) === claim) this.latest.delete(commandId);
    }
  }
}
