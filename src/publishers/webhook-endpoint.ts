import { Webhook } from 'standardwebhooks';
import type { WebhookEntry } from './endpoints-entries.js';

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 20;

/** One webhook of the endpoints file. What is secret is behind methods: it is never printed with it. */
export class WebhookEndpoint {
  readonly name: string;
  /** Without user, password and query. */
  readonly shownUrl: string;
  /** Feed names; undefined: every event; none: approvers' notices only. */
  readonly events: readonly string[] | undefined;
  readonly taskTypes: readonly string[] | undefined;
  readonly appNames: readonly string[] | undefined;
  /** Milliseconds for one delivery, redirects and all. */
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly allowPrivateRedirects: boolean;
  readonly #url: URL;
  readonly #signer: Webhook;

  /** @param secret `whsec_` and the key in base64 */
  constructor(entry: Omit<WebhookEntry, 'secret' | 'secretFile'>, secret: string) {
    this.name = entry.name;
    this.events = entry.events;
    this.taskTypes = entry.taskTypes;
    this.appNames = entry.appNames;
    this.timeoutMs = entry.timeoutMs ?? TIMEOUT_MS;
    this.attempts = entry.attempts ?? ATTEMPTS;
    this.allowPrivateRedirects = entry.allowPrivateRedirects ?? false;
    this.#url = new URL(entry.url);
    this.#signer = new Webhook(secret);
    this.shownUrl = this.#url.origin + this.#url.pathname;
  }

  /** Where to send it; without user and password. */
  get url(): URL {
    const url = new URL(this.#url);
    url.username = '';
    url.password = '';
    return url;
  }

  /** Of user and password in the URL; undefined without. */
  get authorization(): string | undefined {
    const { username, password } = this.#url;
    if (username === '' && password === '') return undefined;
    const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(login).toString('base64')}`;
  }

  /** By the Standard Webhooks scheme: `v1,<base64 of the HMAC-SHA256 of id.timestamp.body>`. */
  sign(id: string, sentAt: Date, body: string): string {
    return this.#signer.sign(id, sentAt, body);
  }
}
