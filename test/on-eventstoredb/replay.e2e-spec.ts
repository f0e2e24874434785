import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../replay.e2e-spec.js'));
