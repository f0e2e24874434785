import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../worker.e2e-spec.js'));
