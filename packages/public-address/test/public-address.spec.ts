import { describe, expect, it } from '@jest/globals';
import { isPublicAddress } from '../index.js';

describe('An address', () => {
  it.each([
    ['0.0.0.0', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '169.254.169.254'],
    ['172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.168.1.1', '198.19.255.255'],
    ['198.51.100.7', '203.0.113.7', '224.0.0.1', '239.1.2.3', '240.0.0.1', '255.255.255.255'],
    ['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12::1', 'ff02::1', 'fec0::1'],
    ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1', '::10.0.0.1', '64:ff9b::a00:1'],
    ['2001::1', '2001:2::1', '2001:db8::1', '2002:a00:1::1', '3fff::1', '100::1', '5f00::1'],
    ['', 'localhost', '1.2.3', '01.2.3.4'],
  ])('like %s or %s is not public', (...addresses) => {
    for (const address of addresses)
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  it.each(['1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '172.32.0.0'])(
    '%s is public, as are those of IPv6 that are global',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
      expect(isPublicAddress('2606:4700:4700::1111')).toBe(true);
      expect(isPublicAddress('2a00:1450:4001::1')).toBe(true);
    },
  );
});
