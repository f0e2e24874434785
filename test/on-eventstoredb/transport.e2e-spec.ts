import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../transport.e2e-spec.js'));
