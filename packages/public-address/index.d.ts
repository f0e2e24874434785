/** @param address an IPv4 or IPv6 address; anything else is not public */
export function isPublicAddress(address: string): boolean;
