import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../proof.e2e-spec.js'));
