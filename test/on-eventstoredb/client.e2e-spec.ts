import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../client.e2e-spec.js'));
