import { EVENT_TYPE_OF_FEED, type TaskEventType } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import type { StoredTaskEvent } from '../../events/index.js';
import type { ReadEvents } from './read-events.query.js';

/** Which events a reader wants, and may see. */
export class FeedFilter {
  readonly types: readonly TaskEventType[] | undefined;
  readonly taskIds: ReadonlySet<string> | undefined;
  private readonly typeSet: ReadonlySet<string> | undefined;
  private readonly taskTypes: ReadonlySet<string> | undefined;
  private readonly appName: string | undefined;
  private readonly apps: ReadonlySet<string> | undefined;

  /** `apps`: those whose tasks the reader may see; all when undefined. Refuses unknown feed names. */
  constructor(query: ReadEvents, apps: readonly string[] | undefined) {
    this.types = query.events?.map(typeOf);
    this.typeSet = this.types && new Set(this.types);
    this.taskIds = query.taskIds && new Set(query.taskIds);
    this.taskTypes = query.taskTypes && new Set(query.taskTypes);
    this.appName = query.appName;
    this.apps = apps && new Set(apps);
  }

  matches({ event, metadata, taskId }: StoredTaskEvent): boolean {
    return (
      (!this.typeSet || this.typeSet.has(event.type)) &&
      (!this.taskIds || this.taskIds.has(taskId)) &&
      (!this.taskTypes || this.taskTypes.has(metadata.taskType)) &&
      (this.appName === undefined || this.appName === metadata.appName) &&
      (!this.apps || this.apps.has(metadata.appName))
    );
  }
}

function typeOf(feedName: string): TaskEventType {
  const type = EVENT_TYPE_OF_FEED.get(feedName);
  if (type) return type;
  const known = [...EVENT_TYPE_OF_FEED.keys()].join(', ');
  throw new Refusal(
    'VALIDATION_FAILED',
    `events names '${feedName}', which is no event of the feed. There are: ${known}.`,
    { field: 'events' },
  );
}
