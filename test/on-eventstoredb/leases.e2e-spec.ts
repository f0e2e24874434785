import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../leases.e2e-spec.js'));
