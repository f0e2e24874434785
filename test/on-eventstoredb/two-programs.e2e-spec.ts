import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../two-programs.e2e-spec.js'));
