import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { MerkleTree } from './merkle-tree.js';

const sha = (...parts: readonly (Buffer | string)[]): Buffer => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};

/** As RFC 9162 §2.1.1 says it, recursively. */
function treeHash(leaves: readonly string[]): Buffer {
  const [leaf] = leaves;
  if (leaf === undefined) return sha();
  if (leaves.length === 1) return sha(Buffer.of(0), leaf);
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha(Buffer.of(1), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

function rootOf(leaves: readonly string[]): string {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
}

describe('A Merkle tree', () => {
  it('has the root that RFC 9162 defines, for any number of leaves', () => {
    for (let size = 0; size <= 70; size++) {
      const leaves = Array.from({ length: size }, (_, n) => `leaf ${n} ünïcödé`);
      expect(rootOf(leaves)).toBe(treeHash(leaves).toString('hex'));
    }
  });

  it('has the roots that Certificate Transparency publishes for its examples', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const ofOne = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';
    expect(rootOf([])).toBe(empty);
    expect(rootOf([''])).toBe(ofOne);
  });

  it('goes on after its root was asked for', () => {
    const tree = new MerkleTree();
    for (const leaf of ['a', 'b', 'c']) tree.add(leaf);
    expect(tree.root()).toBe(tree.root());
    tree.add('d');
    expect(tree.root()).toBe(rootOf(['a', 'b', 'c', 'd']));
  });
});
