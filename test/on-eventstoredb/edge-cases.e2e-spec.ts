import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../edge-cases.e2e-spec.js'));
