import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../nest-worker.e2e-spec.js'));
