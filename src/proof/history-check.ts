import type { HistoryProblem, Position } from '@taskmanager/protocol';
import { describeEvent, type RecordedEvent } from '../event-store/index.js';
import { ChainEnds, type ChainFault, IMPORTS_STREAM, taskIdOfAny } from '../events/index.js';
import { ImportsCheck } from './imports-check.js';

/** So many problems are told one by one; the others are counted. */
const TOLD = 100;

/** A stream with a problem: no more is told of it. */
interface BrokenStream {
  /** Its place in the list; past the list when it is only counted. */
  readonly place: number;
  /** Revision that is missing, unless it turns up later in the log. */
  readonly missing: number | undefined;
}

/**
 * Follows events, of all streams in the order of the log or of one in the order of its revisions, and
 * keeps what does not fit: the first of each stream.
 */
export class HistoryCheck {
  readonly ends = new ChainEnds();
  readonly problems: HistoryProblem[] = [];
  problemCount = 0;
  events = 0;
  /** Of the last event. */
  position: Position | undefined;
  private readonly imports = new ImportsCheck();
  private readonly broken = new Map<string, BrokenStream>();

  see(event: RecordedEvent): void {
    const { position } = this;
    const follows = position === undefined || event.position > position;
    this.events += 1;
    this.position = event.position;
    const fault = this.ends.follow(event) ?? (follows ? undefined : misplaced(event));
    if (fault) this.found(event, fault);
    if (event.stream === IMPORTS_STREAM) this.imports.see(event);
  }

  /** All was seen: imports that end elsewhere than they did, where nothing else was told of them. */
  end(): void {
    for (const problem of this.imports.problems(this.ends)) {
      if (!this.broken.has(problem.stream ?? '')) this.add(problem);
    }
  }

  add(problem: HistoryProblem): void {
    if (this.problems.length < TOLD) this.problems.push(problem);
    this.problemCount += 1;
  }

  private found(event: RecordedEvent, fault: ChainFault): void {
    const { stream } = event;
    const before = this.broken.get(stream);
    if (!before) {
      const missing = fault.code === 'missing_event' ? fault.revision : undefined;
      this.broken.set(stream, { place: this.problemCount, missing });
      this.add(problemOf(event, fault));
    } else if (fault.code === 'out_of_order' && fault.revision === before.missing) {
      // Nothing is gone: what was missed stands further back.
      this.broken.set(stream, { place: before.place, missing: undefined });
      if (before.place < TOLD) this.problems[before.place] = problemOf(event, fault);
    }
  }
}

const misplaced = ({ revision }: RecordedEvent): ChainFault => ({
  code: 'out_of_order',
  text: 'stands in the log before the event that it follows',
  revision: Number(revision),
});

function problemOf(event: RecordedEvent, { code, text, revision }: ChainFault): HistoryProblem {
  const { stream, position, id, type } = event;
  return {
    code,
    text: `${describeEvent(event)} ${text}.`,
    stream,
    ...taskOf(stream),
    revision,
    position,
    // What is missing has neither.
    ...(code !== 'missing_event' && { eventId: id, type }),
  };
}

/** Whose history or refusals the stream is; nothing for streams of something else. */
export function taskOf(stream: string): Pick<HistoryProblem, 'taskId'> {
  const taskId = taskIdOfAny(stream);
  return taskId === undefined ? {} : { taskId };
}
