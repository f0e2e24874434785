/** A real git server for tests: git http-backend behind Node's https, with a certificate of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { GIT_ENVIRONMENT } from './git.js';

export interface GitServer {
  readonly port: number;
  /** PEM file of the one who signed its certificate: itself. For `localhost`, `repo.test`, 127.0.0.1. */
  readonly certificate: string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
  /** What it does with requests, from now on. */
  behaviour: Behaviour;
  /** Resolves when the next answer stands still because of `stallAfter`. */
  stalled(): Promise<void>;
  close(): Promise<void>;
}

export interface Behaviour {
  /** Answers 401 to whoever names no user. */
  readonly password?: true;
  /** Sends whoever asks here instead. */
  readonly redirectTo?: string;
  /** Stops in the middle of the pack after so many bytes, and stays there. */
  readonly stallAfter?: number;
}

/** @param folder where the repositories lie; also takes the certificate */
export async function startGitServer(folder: string): Promise<GitServer> {
  const key = join(folder, 'key.pem');
  const certificate = join(folder, 'certificate.pem');
  const names = 'subjectAltName=DNS:localhost,DNS:repo.test,IP:127.0.0.1';
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext ${names} -keyout ${key} -out ${certificate}`.split(
      ' ',
    ),
    { stdio: 'pipe' },
  );
  const asked: string[] = [];
  const stalls: (() => void)[] = [];
  let stalling = false;
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(certificate) },
    (request, response) => {
      asked.push(request.url ?? '');
      const { password, redirectTo, stallAfter } = git.behaviour;
      if (password && request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      } else if (redirectTo !== undefined) {
        response.writeHead(301, { location: redirectTo + request.url }).end();
      } else {
        serve(folder, request, response, stallAfter, () => {
          stalling = stalls.length === 0;
          for (const tell of stalls.splice(0)) tell();
        });
      }
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const git: GitServer = {
    port: (server.address() as AddressInfo).port,
    certificate,
    asked,
    behaviour: {},
    stalled: () =>
      new Promise((resolve) => {
        if (stalling) resolve();
        else stalls.push(resolve);
        stalling = false;
      }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return git;
}

/** One request as CGI has it. */
function serve(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
  stallAfter: number | undefined,
  onStall: () => void,
): void {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const backend = spawn('git', ['http-backend'], {
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => undefined);
  request.pipe(backend.stdin);
  response.on('close', () => backend.kill());
  let head = Buffer.alloc(0);
  let sent = 0;
  let stands = false;
  backend.stdout.on('data', (chunk: Buffer) => {
    if (stands) return;
    let body = chunk;
    if (!response.headersSent) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      writeHead(response, head.subarray(0, end).toString());
      body = head.subarray(end + 4);
    }
    const isPack = request.method === 'POST';
    const room = isPack && stallAfter !== undefined ? stallAfter - sent : Infinity;
    response.write(body.subarray(0, Math.min(body.length, room)));
    sent += body.length;
    if (body.length < room) return;
    stands = true;
    backend.stdout.pause();
    onStall();
  });
  backend.stdout.on('end', () => stands || response.end());
}

function writeHead(response: ServerResponse, text: string): void {
  let status = 200;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name === 'Status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
  response.flushHeaders();
}
