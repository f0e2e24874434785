import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../moving-a-task.e2e-spec.js'));
