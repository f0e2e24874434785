import { DeliveryFailed } from './delivery-failed.js';

const MAX_REDIRECTS = 3;

/** What an endpoint answered, as far as it matters. */
export interface Answer {
  readonly status: number;
  /** The header, as it came. */
  readonly location: string | undefined;
}

/**
 * Where an answer redirects to; undefined when it is none that is followed: only those are that keep
 * method and body.
 * @param followed redirects of this delivery so far
 * @throws DeliveryFailed where it may not be followed
 */
export function redirectOf(
  { status, location }: Answer,
  from: URL,
  followed: number,
): URL | undefined {
  if (status !== 307 && status !== 308) return undefined;
  if (followed === MAX_REDIRECTS) {
    throw new DeliveryFailed(
      `redirected more than ${MAX_REDIRECTS} times: configure the URL that it leads to`,
    );
  }
  const to =
    location !== undefined && URL.canParse(location, from.href)
      ? new URL(location, from)
      : undefined;
  if (!to || !['http:', 'https:'].includes(to.protocol)) {
    throw new DeliveryFailed(`answered ${status} without a usable location`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new DeliveryFailed('redirected from https to http, which is not followed');
  }
  return to;
}

/** What an answer that is no success says. */
export function failureOfStatus(status: number): DeliveryFailed {
  const isRedirect = status >= 300 && status <= 399;
  const hint = ', a redirect that would lose the body: configure the URL that it leads to';
  return new DeliveryFailed(`answered ${status}${isRedirect ? hint : ''}`);
}
