import type { RecordedEvent } from './event-log.port.js';

/** An event as a message to people names it. */
export const describeEvent = ({
  stream,
  revision,
  type,
  id,
}: Pick<RecordedEvent, 'stream' | 'revision' | 'type' | 'id'>): string =>
  `${type} ${id} (${stream}, revision ${revision})`;
