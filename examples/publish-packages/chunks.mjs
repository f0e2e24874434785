/** What is to be downloaded, and whether it arrived whole. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * @typedef {{ name: string, version: string, dependencies: string[] }} Package
 * @typedef {{ package: string, number: number, sha256: string }} Chunk
 * @typedef {{ bytes: number, sha256: string, chunks: string[] }} Manifest sizes in bytes, SHA-256 in hex
 */

/** Says which chunk of which package is not what its manifest says. */
export class BrokenChunkError extends Error {
  /** @param {Chunk} chunk @param {string} reason */
  constructor(chunk, reason) {
    super(`chunk ${chunk.number} of package ${chunk.package} is broken: ${reason}`);
  }
}

export const sha256 = (/** @type {Buffer} */ bytes) =>
  createHash('sha256').update(bytes).digest('hex');

/** @param {string} url */
async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/**
 * @param {string} source base URL of the server that has the packages
 * @param {string} name
 * @returns {Promise<Manifest>}
 */
export async function fetchManifest(source, name) {
  return /** @type {Manifest} */ (await (await get(`${source}/${name}/manifest.json`)).json());
}

/**
 * @param {string} name
 * @param {Manifest} manifest
 * @returns {Chunk[]}
 */
export function chunksOf(name, manifest) {
  return manifest.chunks.map((sha256, index) => ({ package: name, number: index + 1, sha256 }));
}

const partFile = (/** @type {string} */ folder, /** @type {Chunk} */ chunk) =>
  join(folder, `${chunk.package}.part-${chunk.number}`);

/**
 * Downloads one chunk and keeps it, if it is what the manifest says.
 * @param {string} source @param {Chunk} chunk @param {string} folder
 */
export async function downloadChunk(source, chunk, folder) {
  const response = await get(`${source}/${chunk.package}/chunks/${chunk.number}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const found = sha256(bytes);
  if (found !== chunk.sha256) {
    const reason = `its SHA-256 is ${found.slice(0, 12)}…, not ${chunk.sha256.slice(0, 12)}…`;
    throw new BrokenChunkError(chunk, reason);
  }
  await writeFile(partFile(folder, chunk), bytes);
}

/**
 * Puts the chunks of a package together again and checks the whole.
 * @param {string} name @param {Manifest} manifest @param {string} folder
 */
export async function mergeChunks(name, manifest, folder) {
  const file = join(folder, `${name}.tgz`);
  await writeFile(file, '');
  for (const chunk of chunksOf(name, manifest)) {
    const part = partFile(folder, chunk);
    await pipeline(createReadStream(part), createWriteStream(file, { flags: 'a' }));
    await rm(part);
  }
  const whole = sha256(await readFile(file));
  if (whole !== manifest.sha256) throw new Error(`${file} was not put together right`);
  return { name, file, bytes: manifest.bytes, sha256: whole };
}
