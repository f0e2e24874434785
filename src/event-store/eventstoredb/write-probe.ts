import { randomUUID } from 'node:crypto';
import { toClient } from './event-form.js';
import type { ServerLink } from './server-link.js';
import { keepNewestOnly } from './small-stream.js';

/**
 * Finds out by writing whether a write would be accepted: a client may be able to read while its
 * appends fail for ever. Those who ask while one is on its way share it.
 */
export class WriteProbe {
  private running: Promise<void> | undefined;
  private isBounded = false;

  constructor(
    private readonly link: ServerLink,
    private readonly stream: string,
  ) {}

  /** Rejects with LogUnavailable. */
  run(): Promise<void> {
    return (this.running ??= this.append().finally(() => (this.running = undefined)));
  }

  private async append(): Promise<void> {
    if (!this.isBounded) await keepNewestOnly(this.link, this.stream);
    this.isBounded = true;
    const event = { id: randomUUID(), type: 'Probe', data: '{}', metadata: '{}' };
    await this.link.append(this.stream, 'any', [toClient(event)]);
  }
}
