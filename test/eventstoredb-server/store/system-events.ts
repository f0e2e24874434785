import { randomUUID } from 'node:crypto';
import { type ProposedEvent } from './recorded-event.js';

/** An event that the server writes on its own account. */
export const systemEvent = (type: string, data: Uint8Array): ProposedEvent => ({
  id: randomUUID(),
  type,
  contentType: 'application/json',
  data,
  metadata: Buffer.alloc(0),
});

const jsonSystemEvent = (type: string, data: unknown): ProposedEvent =>
  systemEvent(type, Buffer.from(JSON.stringify(data)));

/** Server: a node that was never used already holds statistics, settings and users, stream by stream. */
export const eventsOfFreshServer = (): [stream: string, event: ProposedEvent][] => [
  ['$$$stats-0.0.0.0:2113', jsonSystemEvent('$metadata', { $maxAge: 86_400 })],
  ['$settings', jsonSystemEvent('$settings', { $userStreamAcl: { $r: '$all', $w: '$all' } })],
  ['$user-admin', jsonSystemEvent('$UserCreated', { loginName: 'admin', disabled: false })],
  ['$users', jsonSystemEvent('$User', 'admin')],
  ['$user-ops', jsonSystemEvent('$UserCreated', { loginName: 'ops', disabled: false })],
  ['$users', jsonSystemEvent('$User', 'ops')],
];
