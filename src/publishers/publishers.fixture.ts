import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import type { Position, TaskWebhook } from '@taskmanager/protocol';
import { Webhook } from 'standardwebhooks';
import {
  type AnyTaskEvent,
  type EventMetadata,
  ProgressUpdated,
  type StoredTaskEvent,
} from '../events/index.js';
import type { WebhookEntry } from './endpoints-entries.js';
import { WebhookEndpoint } from './webhook-endpoint.js';

/** What the specs of this folder share: an HTTP server to be told things, events, and what was logged. */

/** 32 bytes that no output may show, in no form. */
export const SECRET = `whsec_${Buffer.from('this-key-is-never-to-be-seen-ok!').toString('base64')}`;
export const TASK_ID = '0190a5a0-0000-7000-8000-000000000001';
export const AT = Date.UTC(2026, 0, 2, 3, 4, 5);

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Answer = (response: ServerResponse, received: Received, request: IncomingMessage) => void;

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();

/** A real HTTP server that keeps what it got and answers as the spec says; 204 unless told. */
export class Receiver {
  readonly received: Received[] = [];
  answer: Answer = status(204);
  /** Requests under way now, and at most so far. */
  open = 0;
  mostOpen = 0;
  connections = 0;
  private readonly arrivals = new Set<() => void>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new Receiver(server);
    server.on('connection', () => (receiver.connections += 1));
    server.on('request', (request, response) => void receiver.take(request, response));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  get bodies(): readonly TaskWebhook[] {
    return this.received.map(({ body }) => JSON.parse(body) as TaskWebhook);
  }

  /** Resolves when so many requests have come. */
  async whenReceived(count: number): Promise<void> {
    while (this.received.length < count) {
      await new Promise<void>((resolve) => this.arrivals.add(resolve));
    }
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    if (this.server.listening) await once(this.server, 'close');
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    response.once('close', () => (this.open -= 1));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = request.headers as Record<string, string>;
    const received = { path: request.url ?? '', headers, body: Buffer.concat(chunks).toString() };
    this.received.push(received);
    for (const arrived of this.arrivals) arrived();
    this.arrivals.clear();
    this.answer(response, received, request);
  }
}

export const endpoint = (url: string, entry: Partial<WebhookEntry> = {}): WebhookEndpoint =>
  new WebhookEndpoint({ name: 'billing', url, ...entry }, SECRET);

/** What the library of a receiver makes of a request; throws when the signature is wrong. */
export const verified = ({ body, headers }: Received): unknown =>
  new Webhook(SECRET).verify(body, headers);

let events = 0;

/** An event as a processor gets it, each with its own id. */
export function stored(
  event: AnyTaskEvent = new ProgressUpdated({ progress: 1 }),
  overrides: Partial<StoredTaskEvent> = {},
  metadata: Partial<EventMetadata> = {},
): StoredTaskEvent {
  events += 1;
  return {
    id: `0190a5a0-0000-5000-8000-${String(events).padStart(12, '0')}`,
    taskId: TASK_ID,
    revision: events,
    position: `00000000:${String(events).padStart(20, '0')}` as Position,
    event,
    metadata: {
      timestamp: AT,
      actor: { id: 'alice', roles: ['client'], verified: true },
      commandId: 'command',
      $correlationId: 'correlation',
      $causationId: 'causation',
      transport: 'tcp',
      taskType: 'import_files',
      appName: 'shelf',
      status: 'running',
      attempt: 1,
      version: 1,
      hash: '',
      ...metadata,
    },
    ...overrides,
  };
}

/** Every line that is logged from now on. */
export function capturedLog(): string[] {
  const lines: string[] = [];
  const take = (...said: unknown[]) => void lines.push(said.map(String).join(' '));
  Logger.overrideLogger({ log: take, warn: take, error: take, debug: take, verbose: take });
  return lines;
}
