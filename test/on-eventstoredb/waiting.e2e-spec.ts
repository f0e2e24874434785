import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../waiting.e2e-spec.js'));
