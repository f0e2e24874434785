import { realWork } from '../real-work/real-work.js';
import { onEventStoreDb } from './on-eventstoredb.js';

// One of the stories with every `npm test`: the one in which the log has most to do.
await onEventStoreDb(() => Promise.resolve(realWork(['killed and resumed'])));
