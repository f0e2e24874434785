/** Webhooks that are redirected go to public addresses, and to the very ones that were looked up. */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from '@taskmanager/public-address';

/** A connection was to lead to an address that is not public. */
export class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress';

  constructor() {
    super('redirected to a private address, which is allowed only by allowPrivateRedirects');
  }
}

/**
 * Looks up a host for a connection and refuses it with {@link PrivateAddress} if any of its addresses is
 * not public. The connection uses these very addresses, so no second answer of the name server counts.
 */
export const lookupPublic: LookupFunction = (hostname, options: LookupOptions, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error || !first) return callback(error ?? new Error(`${hostname} has no address`), '', 0);
    if (!addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(new PrivateAddress(), '', 0);
    }
    if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

/** Whether a URL's host may be connected to: a name is looked up by {@link lookupPublic}, later. */
export function isPublicHost(hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) === 0 || isPublicAddress(address);
}
