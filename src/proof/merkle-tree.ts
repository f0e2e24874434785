import { hash } from 'node:crypto';

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

const sha256 = (...parts: readonly Buffer[]): Buffer =>
  hash('sha256', Buffer.concat(parts), 'buffer');

/**
 * The Merkle tree hash of RFC 9162 §2.1.1 over leaves that are given one after the other. Keeps one hash
 * for each level, and no leaf.
 */
export class MerkleTree {
  /** Whole subtrees from left to right, each larger than the next; their sizes are powers of two. */
  private readonly peaks: { readonly hash: Buffer; readonly size: number }[] = [];

  add(leaf: string): void {
    let top = { hash: sha256(LEAF, Buffer.from(leaf)), size: 1 };
    for (let last = this.peaks.at(-1); last?.size === top.size; last = this.peaks.at(-1)) {
      this.peaks.pop();
      top = { hash: sha256(NODE, last.hash, top.hash), size: top.size * 2 };
    }
    this.peaks.push(top);
  }

  /** In hex. */
  root(): string {
    const hashes = this.peaks.map((peak) => peak.hash);
    const root = hashes.reduceRight(
      (right, left) => sha256(NODE, left, right),
      hashes.pop() ?? sha256(),
    );
    return root.toString('hex');
  }
}
