/**
 * Which addresses belong to nobody's own network: IANA's registries of special-purpose addresses, IPv4
 * and IPv6. Of IPv6 only global unicast counts as public, so that neither IPv4-mapped addresses nor
 * those that carry an IPv4 address through a gateway (NAT64) are a way around. One rule for webhooks, in
 * the service, and for git, in the workers.
 */
import { BlockList, isIP } from 'node:net';

const SPECIAL = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
])
  SPECIAL.addSubnet(network, bits, 'ipv4');
/** Teredo, benchmarks and the like; documentation; 6to4, which carries an IPv4 address. */
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])
  SPECIAL.addSubnet(network, bits, 'ipv6');

const GLOBAL_UNICAST = new BlockList();
GLOBAL_UNICAST.addSubnet('2000::', 3, 'ipv6');

/** @param address an IPv4 or IPv6 address; anything else is not public */
export function isPublicAddress(address) {
  const version = isIP(address);
  if (version === 4) return !SPECIAL.check(address, 'ipv4');
  if (version !== 6 || address.includes('%')) return false;
  return GLOBAL_UNICAST.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
}
