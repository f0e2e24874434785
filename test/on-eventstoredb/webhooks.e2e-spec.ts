import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../webhooks.e2e-spec.js'));
