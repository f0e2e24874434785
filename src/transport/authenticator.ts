import { unwatchFile, watchFile } from 'node:fs';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { RequestMeta } from '@taskmanager/protocol';
import { Settings } from '../config/index.js';
import { Refusal } from '../context/index.js';
import { ADMIN_PREFIX } from './permissions.js';
import { type Caller, TokenFile } from './token-file.js';

const LOOK_EVERY_MS = 1_000;

const everything = (): boolean => true;
const ANONYMOUS: Caller = {
  actor: { id: 'anonymous', roles: [], verified: false },
  maySend: everything,
};

/**
 * Who sends a request. With a token file only a token counts, and the file is read again whenever it
 * changes; without one the request's own word is believed and recorded as not verified.
 */
@Injectable()
export class Authenticator implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Authenticator.name);
  private readonly path: string | undefined;
  private tokens: TokenFile | undefined;

  /** @throws Error when the token file cannot be used */
  constructor(@Inject(Settings) { authFile }: Settings) {
    this.path = authFile;
    if (authFile !== undefined) this.tokens = TokenFile.read(authFile);
  }

  onModuleInit(): void {
    if (this.path === undefined) return;
    watchFile(this.path, { interval: LOOK_EVERY_MS, persistent: false }, this.reload);
    process.on('SIGHUP', this.reload);
  }

  onApplicationShutdown(): void {
    if (this.path !== undefined) unwatchFile(this.path, this.reload);
    process.off('SIGHUP', this.reload);
  }

  /** @throws Refusal UNAUTHENTICATED or FORBIDDEN */
  admit(meta: RequestMeta | undefined, subject: string): Caller {
    const caller = this.tokens ? this.callerOf(this.tokens, meta) : believed(meta);
    if (!caller.maySend(subject)) throw this.forbidden(caller, subject);
    return caller;
  }

  forbidden({ actor: { id, roles }, apps }: Caller, subject: string): Refusal {
    const confined = apps !== undefined && subject.startsWith(ADMIN_PREFIX);
    const why = confined
      ? 'it concerns all apps, and the token is for some'
      : `none of the roles [${roles.join(', ')}] allows it`;
    return new Refusal('FORBIDDEN', `${id} may not send ${subject}: ${why}.`, { subject, roles });
  }

  /** A file that cannot be used leaves the tokens as they were. */
  private readonly reload = (): void => {
    if (this.path === undefined) return;
    try {
      this.tokens = TokenFile.read(this.path);
      this.logger.log(`AUTH_FILE was read again: ${this.tokens.size} tokens`);
    } catch (error) {
      this.logger.error(`The tokens stay as they were: ${(error as Error).message}`);
    }
  };

  private callerOf(tokens: TokenFile, meta: RequestMeta | undefined): Caller {
    const caller = meta?.token === undefined ? undefined : tokens.callerWith(meta.token);
    if (caller) return caller;
    const what = meta?.token === undefined ? 'meta.token is missing' : 'meta.token is not known';
    throw new Refusal('UNAUTHENTICATED', `Nobody may send this without a valid token: ${what}.`);
  }
}

function believed(meta: RequestMeta | undefined): Caller {
  if (!meta?.actor) return ANONYMOUS;
  const { id, roles = [] } = meta.actor;
  return { actor: { id, roles, verified: false }, maySend: everything };
}
