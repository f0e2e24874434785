/** Numbers that stand for correlation ids in the index of an audit file. */
import { hash } from 'node:crypto';

/** Blocks whose numbers lie side by side in the index. */
const BLOCKS_TOGETHER = 8;
const HASH_BITS = 32;

/**
 * The number of a correlation id in one block of events. Its upper part counts stretches of the log, so that
 * what is written lies close together in the index although ids are drawn at random; the lower one is a hash:
 * texts that share it are told apart when the rows are read.
 */
export function correlationNumber(correlationId: string, block: number): number {
  return stretchOf(block) * 2 ** HASH_BITS + hashOf(correlationId);
}

/** All its numbers in a file whose last block is this one. */
export function correlationNumbers(correlationId: string, lastBlock: number): readonly number[] {
  const low = hashOf(correlationId);
  return Array.from(
    { length: stretchOf(lastBlock) + 1 },
    (_, stretch) => stretch * 2 ** HASH_BITS + low,
  );
}

function stretchOf(block: number): number {
  return Math.floor(block / BLOCKS_TOGETHER);
}

function hashOf(written: string): number {
  return hash('sha1', written, 'buffer').readUInt32BE(0);
}
