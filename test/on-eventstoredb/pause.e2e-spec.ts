import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../pause.e2e-spec.js'));
