import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../audit.e2e-spec.js'));
