import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isPublicAddress as ruleOfWebhooks } from '../../../src/publishers/public-address.js';
import { isPublicAddress } from './public-address.js';

describe('A public address', () => {
  it.each(['1.1.1.1', '172.32.0.0', '2606:4700::1111'])('is %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', 'fe80::1', '::ffff:10.0.0.1', 'x'])(
    'is not %s',
    (address) => expect(isPublicAddress(address)).toBe(false),
  );

  it('is one for git when it is one for webhooks', () => {
    const hex = (bytes: Buffer) => bytes.toString('hex').match(/..../g)?.join(':') ?? '';
    const differ: string[] = [];
    for (let first = 0; first < 65_536; first += 1) {
      const rest = randomBytes(14);
      const v4 = `${first >> 8}.${first & 255}.${rest[0]}.${rest[1]}`;
      const v6 = `${first.toString(16)}:${hex(rest)}`;
      for (const address of [v4, v6])
        if (isPublicAddress(address) !== ruleOfWebhooks(address)) differ.push(address);
    }
    expect(differ).toEqual([]);
  });
});
