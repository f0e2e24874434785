import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { ApprovalWebhook } from '@taskmanager/protocol';
import {
  type ApproverNotice,
  ApproverNotices,
  type NoticeOutcome,
} from '../commands/approver-notices.port.js';
import { Clock, listed, Refusal } from '../context/index.js';
import { Endpoints } from './endpoints.js';
import { Slots } from './slots.js';
import type { WebhookConnection } from './webhook-connection.js';
import { Webhooks } from './webhooks.js';

/** For all endpoints of a notice, with all tries. */
const LIMIT_MS = 30_000;
/** Behind the first and the second try, milliseconds. */
const PAUSES = [250, 1_000];
/** Notices to one endpoint at once, and so many again that wait for their turn. */
const AT_ONCE = 16;

/** Tells approvers by the endpoints that the file names for their ids and roles, the others by the log. */
@Injectable()
export class EndpointNotices extends ApproverNotices {
  private readonly logger = new Logger('Approvals');
  private readonly channels: ReadonlyMap<string, readonly [WebhookConnection, Slots]>;

  constructor(
    @Inject(Endpoints) private readonly endpoints: Endpoints,
    @Inject(Webhooks) { connections }: Webhooks,
    @Inject(Clock) private readonly clock: Clock,
  ) {
    super();
    this.channels = new Map(
      connections.map((each) => [each.endpoint.name, [each, new Slots(AT_ONCE)]]),
    );
  }

  override async send(
    notice: ApproverNotice,
    signal?: AbortSignal,
  ): Promise<readonly NoticeOutcome[]> {
    const { byEndpoint, others } = this.split(notice.approvers);
    for (const name of byEndpoint.keys()) this.assertRoom(name);
    const end = new AbortController();
    // One listener for each endpoint; Node warns of more than ten.
    setMaxListeners(0, end.signal);
    const stop = () => end.abort();
    const limit = setTimeout(stop, LIMIT_MS);
    // It is one signal for all that are under way.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      const sent = [...byEndpoint].map(([name, to]) => this.tell(name, to, notice, end.signal));
      // Nobody named means anyone: there is no endpoint for that.
      const isForLog = others.length > 0 || byEndpoint.size === 0;
      return [...(await Promise.all(sent)), ...(isForLog ? [this.log(notice, others)] : [])];
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener('abort', stop);
    }
  }

  /** An endpoint that hangs keeps each notice for half a minute: others must not wait behind all of its. */
  private assertRoom(channel: string): void {
    const queued = this.channels.get(channel)?.[1].queued ?? 0;
    if (queued < AT_ONCE) return;
    throw new Refusal(
      'OVERLOADED',
      `${queued} notices wait for endpoint ${channel}; try again later.`,
    );
  }

  /** Who is told by which endpoint, and who by none. */
  private split(approvers: readonly string[]) {
    const byEndpoint = new Map<string, string[]>();
    const others: string[] = [];
    for (const approver of approvers) {
      const names = this.endpoints.approvers.get(approver) ?? [];
      if (names.length === 0) others.push(approver);
      for (const name of names) byEndpoint.set(name, [...(byEndpoint.get(name) ?? []), approver]);
    }
    return { byEndpoint, others };
  }

  private async tell(
    channel: string,
    to: readonly string[],
    notice: ApproverNotice,
    signal: AbortSignal,
  ): Promise<NoticeOutcome> {
    const [connection, slots] = this.channels.get(channel) ?? [];
    if (!connection || !slots) return { channel, outcome: 'failed: there is no such endpoint' };
    const body = JSON.stringify(this.webhookOf(notice, to));
    const message = { id: `${notice.id}-${channel}`, body };
    const post = () => connection.post(message, new Date(this.clock.now()), signal);
    let why = 'no answer in time';
    for (const pause of [...PAUSES, 0]) {
      try {
        await slots.run(post, signal);
        return { channel, outcome: 'delivered' };
      } catch (error) {
        if (signal.aborted) break;
        why = (error as Error).message;
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
    this.logger.warn(`The approvers of ${notice.taskId} were not told at ${channel}: ${why}`);
    return { channel, outcome: `failed: ${why}` };
  }

  private log(notice: ApproverNotice, approvers: readonly string[]): NoticeOutcome {
    const { kind, taskId, taskType, requestedBy } = notice;
    // Quoted: ids and names come from outside.
    const who = approvers.length === 0 ? 'anyone' : listed(approvers.map(quoted));
    const what = `${taskType} ${taskId} ${quoted(notice.name)}`;
    this.logger.log(`${kind}: ${what} waits for ${who}, asked by ${quoted(requestedBy)}`);
    return { channel: 'log', outcome: 'delivered' };
  }

  private webhookOf(notice: ApproverNotice, to: readonly string[]): ApprovalWebhook {
    const { kind, ...data } = notice;
    const timestamp = new Date(this.clock.now()).toISOString();
    return { type: `approval.${kind}`, timestamp, data: { ...data, to } };
  }
}

const quoted = (text: string): string => JSON.stringify(text);
