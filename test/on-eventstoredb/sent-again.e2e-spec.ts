import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../sent-again.e2e-spec.js'));
