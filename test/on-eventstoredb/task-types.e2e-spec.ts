import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../task-types.e2e-spec.js'));
