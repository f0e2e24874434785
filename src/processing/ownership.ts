import { Logger } from '@nestjs/common';
import type { Clock, Ids } from '../context/index.js';
import type { ProcessorLease, ProcessorStore } from '../event-store/index.js';

/** Under this name the lease lies in the processors' store. */
export const OWNER_LEASE = 'processors';

/** All in milliseconds. */
export interface OwnershipTimes {
  /** How long the lease lasts when nobody renews it: so long nothing moves by itself after a kill. */
  readonly ttl: number;
  readonly renew: number;
  /** Held for less long than the store says, so that two never both believe that they hold it. */
  readonly margin: number;
  /** How long one answer of the store is waited for. */
  readonly answer: number;
}

/** Renewed three times before it is over. */
export const ownershipTimes = (ttl: number): OwnershipTimes => ({
  ttl,
  renew: ttl * 0.3,
  margin: ttl * 0.2,
  answer: ttl * 0.4,
});

/** The time in which this process runs sagas, timers and publishers. */
export interface Term {
  /** Rises with each owner. */
  readonly epoch: number;
  /** Fires when the lease is lost, given back, or could not be renewed in time. */
  readonly signal: AbortSignal;
}

/**
 * Whether this process is the one that runs sagas, timers and publishers: a lease kept with the event
 * log, renewed all the time, given back at the end. How long it is held is measured without the wall
 * clock; that it has run out is judged by the wall clock of whoever wants it next, so the clocks of
 * several machines must not differ by more than the margin, a fifth of the lease.
 */
export class Ownership {
  private readonly logger = new Logger('Processors');
  private readonly owner: string;
  private readonly waiting = new Set<(term: Term) => void>();
  private term: (Term & { readonly end: AbortController }) | undefined;
  /** By `performance.now()`. */
  private heldUntil = 0;
  /** The lease of another, and since when it is as it is, by `performance.now()`. */
  private seen: { readonly lease: ProcessorLease; readonly since: number } | undefined;
  private expiry: NodeJS.Timeout | undefined;
  private nextTry: NodeJS.Timeout | undefined;
  private trying: Promise<void> = Promise.resolve();
  private state: 'new' | 'started' | 'stopped' = 'new';

  constructor(
    private readonly store: ProcessorStore,
    private readonly clock: Clock,
    ids: Ids,
    private readonly times: OwnershipTimes,
  ) {
    this.owner = ids.next();
  }

  /** From here on the lease is wanted. A second call does nothing. */
  start(): void {
    if (this.state !== 'new') return;
    this.state = 'started';
    this.trying = this.renew();
  }

  /**
   * Ends the term and gives the lease back. Whoever works under it has to have ended before. Resolves in
   * a few seconds even when the log is away: then the lease runs out by itself.
   */
  async stop(): Promise<void> {
    const { state } = this;
    this.state = 'stopped';
    if (state !== 'started') return;
    clearTimeout(this.nextTry);
    this.endTerm();
    await this.trying;
    try {
      await this.inTime(this.store.releaseLease(OWNER_LEASE, this.owner));
    } catch (error) {
      this.logger.warn(`The lease of the processors runs out by itself: ${messageOf(error)}`);
    }
  }

  /** The present term; undefined while another process has one. */
  get current(): Term | undefined {
    if (this.term && performance.now() >= this.heldUntil) this.endTerm();
    return this.term;
  }

  /** Resolves with the next term, or the present one; undefined when `signal` fires first. */
  whenOwner(signal: AbortSignal): Promise<Term | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const { current } = this;
    if (current) return Promise.resolve(current);
    return new Promise((resolve) => {
      const settle = (term: Term | undefined) => {
        this.waiting.delete(settle);
        signal.removeEventListener('abort', leave);
        resolve(term);
      };
      const leave = () => settle(undefined);
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.add(settle);
    });
  }

  /** Never rejects. */
  private async renew(): Promise<void> {
    const asked = performance.now();
    try {
      const lease = (await this.acquire(this.clock.now())) ?? (await this.takeFromTheDead());
      if (!lease || lease.epoch !== this.current?.epoch) this.endTerm();
      if (lease) this.hold(lease.epoch, asked);
    } catch (error) {
      // Away, the log lets nobody else have it either; the term ends by itself in time.
      this.logger.debug(`The lease of the processors was not renewed: ${messageOf(error)}`);
    }
    if (this.state === 'stopped') return;
    this.nextTry = setTimeout(() => {
      this.trying = this.renew();
    }, this.times.renew);
    this.nextTry.unref();
  }

  private acquire(now: number): Promise<ProcessorLease | undefined> {
    return this.inTime(this.store.acquireLease(OWNER_LEASE, this.owner, this.times.ttl, now));
  }

  /**
   * An owner that lives renews its lease. One that was killed while its clock ran ahead has left a lease
   * that looks valid until that time: it is taken once it has stood still for longer than it lasts.
   */
  private async takeFromTheDead(): Promise<ProcessorLease | undefined> {
    const held = await this.inTime(this.store.readLease(OWNER_LEASE));
    const { seen, times } = this;
    const now = performance.now();
    const isSeen = seen?.lease.epoch === held?.epoch && seen?.lease.expiresAt === held?.expiresAt;
    if (!held || !seen || !isSeen) {
      this.seen = held && { lease: held, since: now };
      return undefined;
    }
    return now - seen.since > times.ttl + times.margin ? this.acquire(held.expiresAt) : undefined;
  }

  private hold(epoch: number, asked: number): void {
    this.heldUntil = asked + this.times.ttl - this.times.margin;
    if (this.term || this.state === 'stopped' || performance.now() >= this.heldUntil) return;
    const end = new AbortController();
    this.term = { epoch, signal: end.signal, end };
    this.armExpiry();
    this.logger.debug(`This process runs sagas, timers and publishers (term ${epoch}).`);
    for (const settle of [...this.waiting]) settle(this.term);
  }

  /** Ends the term by itself, whatever renewals do meanwhile. */
  private armExpiry(): void {
    this.expiry = setTimeout(
      () => {
        if (this.current) this.armExpiry();
      },
      Math.max(1, this.heldUntil - performance.now()),
    );
    this.expiry.unref();
  }

  private endTerm(): void {
    const { term } = this;
    if (!term) return;
    this.term = undefined;
    clearTimeout(this.expiry);
    if (this.state !== 'stopped') {
      this.logger.warn(`This process no longer runs sagas and publishers (term ${term.epoch}).`);
    }
    term.end.abort();
  }

  /** An answer that comes later is not heard: the lease may be ours then, which the next try finds out. */
  private async inTime<T>(answer: Promise<T>): Promise<T> {
    const ms = this.times.answer;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
