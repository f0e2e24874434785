import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../task-service.e2e-spec.js'));
