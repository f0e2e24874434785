/**
 * TEST SUPPORT, not a database: a small server that speaks the protocol of EventStoreDB to the real
 * client, for tests and measurements on machines without one. A comment that begins with `Server:` names
 * the behaviour of the server, as of 24.10, that a rule follows. It has no TLS, access control, links,
 * projections, persistent subscriptions or scavenging.
 */
export { EventStoreDbServer, type ServerOptions } from './eventstoredb-server.js';
export { CallLog, type CallCount, type Method } from './call-log.js';
export {
  type AppendError,
  type AppendFault,
  type FaultSettings,
  type FaultStatus,
  type Leader,
  type Member,
  type QuestionFault,
  type ReadFault,
} from './fault-settings.js';
export { Faults } from './faults.js';
export { spawnEventStoreDbServer, type SpawnedEventStoreDbServer } from './launch.mjs';
