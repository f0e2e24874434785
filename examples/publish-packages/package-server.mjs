/** A server of real files: packages in a folder, handed out over HTTP chunk by chunk. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { sha256 } from './chunks.mjs';

export const CHUNK_BYTES = 64 * 1024;

/** What the demo publishes; sizes in bytes. */
export const PACKAGES = [
  { name: 'left-pad', version: '2.0.0', dependencies: [], bytes: 150_000 },
  { name: 'date-words', version: '1.4.2', dependencies: ['left-pad'], bytes: 700_000 },
  {
    name: 'tiny-router',
    version: '0.9.1',
    dependencies: ['date-words', 'event-bus'],
    bytes: 900_000,
  },
];

/** Published long ago, so it may be depended on. */
export const KNOWN = ['event-bus'];

/**
 * Writes the files of the packages and their manifests.
 * @param {string} folder
 * @param {readonly { name: string, bytes: number }[]} packages
 */
export async function generatePackages(folder, packages = PACKAGES) {
  for (const { name, bytes } of packages) {
    const content = randomBytes(bytes);
    const chunks = [];
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      chunks.push(sha256(content.subarray(at, at + CHUNK_BYTES)));
    }
    const manifest = { bytes, sha256: sha256(content), chunks };
    await writeFile(join(folder, `${name}.tgz`), content);
    await writeFile(join(folder, `${name}.json`), JSON.stringify(manifest));
  }
}

/**
 * Serves `/<package>/manifest.json` and `/<package>/chunks/<number>` on a free port of this machine.
 * @param {string} folder
 * @param {{ breakChunk?: string }} [options] `<package>:<number>` is handed out with one bit turned
 */
export async function servePackages(folder, { breakChunk } = {}) {
  const server = createServer((request, response) => {
    answer(folder, request.url ?? '', breakChunk).then(
      (bytes) => (bytes ? response.end(bytes) : response.writeHead(404).end()),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, close };
}

/** @param {string} folder @param {string} path @param {string | undefined} breakChunk */
async function answer(folder, path, breakChunk) {
  const manifest = /^\/([a-z-]+)\/manifest\.json$/.exec(path);
  if (manifest) return readFile(join(folder, `${manifest[1]}.json`));
  const chunk = /^\/([a-z-]+)\/chunks\/([1-9][0-9]*)$/.exec(path);
  if (!chunk) return undefined;
  const bytes = await readChunk(join(folder, `${chunk[1]}.tgz`), Number(chunk[2]) - 1);
  if (breakChunk === `${chunk[1]}:${chunk[2]}`) bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
  return bytes;
}

/** @param {string} path @param {number} index */
async function readChunk(path, index) {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, index * CHUNK_BYTES);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
