import { PermanentTaskError } from '@taskmanager/client';
import type { GitFailed } from '../git/git.js';

/** What was asked for, to be named in a message. */
export interface CloneWish {
  readonly url: string;
  readonly branch?: string;
}

interface Complaint {
  readonly words: RegExp;
  readonly said: (wish: CloneWish, found: RegExpExecArray) => string;
  /** It may be otherwise the next time. */
  readonly passes?: true;
}

/** What git, curl and ssh say, in English, and what it means. The first that fits. */
const COMPLAINTS: readonly Complaint[] = [
  {
    words: /No space left on device|Disk quota exceeded/,
    said: () => 'The disk of the worker is full.',
    passes: true,
  },
  {
    words: /Remote branch .* not found in upstream/,
    said: ({ url, branch }) => `There is no branch or tag ${quoted(branch)} in ${url}.`,
  },
  {
    words:
      /could not read (?:Username|Password)|Authentication failed|terminal prompts disabled|returned error: 40[137]/,
    said: ({ url }) =>
      `The server wants to know who asks for ${url}: it is private, or not there. Workers have no password; over ssh they can have a key.`,
  },
  {
    words: /Permission denied \(|no mutual signature|Too many authentication failures/,
    said: ({ url }) => `The server of ${url} knows none of the worker's ssh keys.`,
  },
  {
    words: /Host key verification failed|host key is known for/,
    said: ({ url }) =>
      `The worker does not know the ssh host key of the server of ${url}: it must stand in its known_hosts.`,
  },
  {
    words: /repository .* not found|returned error: (?:404|410)|Repository not found/i,
    said: ({ url }) => `There is no repository at ${url}.`,
  },
  {
    words: /does not appear to be a git repository|not valid: is this a git repository/i,
    said: ({ url }) => `There is no repository at ${url}.`,
  },
  {
    words: /returned error: 30\d/,
    said: ({ url }) =>
      `The server sends those who ask for ${url} elsewhere, which workers do not follow: name the place itself, often with .git at its end.`,
  },
  {
    words: /dubious ownership/,
    said: ({ url }) => `${url} belongs to another user than the worker, so git does not read it.`,
  },
  {
    words:
      /SSL certificate problem: (.*)|(server certificate verification failed)|(certificate subject name .*)|SSL: (.*)|(gnutls_handshake.*)|(schannel: .*)/,
    said: ({ url }, found) =>
      `The certificate of the server of ${url} is not trusted: ${found.slice(1).find(Boolean)}.`,
  },
  {
    words: /Could not resolve host(?:name)?/i,
    said: ({ url }) => `The host of ${url} is not known.`,
    passes: true,
  },
  {
    words:
      /(Connection refused|Connection timed out|Connection reset|Connection closed|No route to host|Failed to connect|Could not connect|Operation too slow|early EOF|unexpected disconnect|RPC failed|hung up|transfer closed|returned error: 5\d\d|returned error: 429)/i,
    said: ({ url }, found) =>
      `The server of ${url} could not be reached, or broke off: ${found[1]}.`,
    passes: true,
  },
];

/** The error of the task: what git's words mean, in plain ones. */
export function explained(failed: GitFailed, wish: CloneWish): Error {
  // What the server makes git print is no word of git's.
  const words = failed.words.replaceAll(/^remote:.*$/gm, '');
  for (const { words: pattern, said, passes } of COMPLAINTS) {
    const found = pattern.exec(words);
    if (!found) continue;
    const message = said(wish, found);
    return passes ? new Error(message) : new PermanentTaskError(message);
  }
  const last = words.trim().split('\n').at(-1) ?? '';
  return new Error(`Cloning ${wish.url} failed: ${last === '' ? failed.message : last}`);
}

const quoted = (text: string | undefined): string => JSON.stringify(text ?? '');
