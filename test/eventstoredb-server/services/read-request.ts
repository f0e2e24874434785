import { streams } from '../generated.js';
import { type RecordedEvent } from '../store/recorded-event.js';
import { streamName } from './append.js';
import { invalidArgument } from './errors.js';

/** Server: the search window of a filter whose client names none (ReadReq.FilterOptions). */
const DEFAULT_WINDOW = 32;

/** The name under which the log as a whole is read; no stream can be written under it. */
export const ALL = '$all';

/** Which events of $all are answered, and after how many looked at a checkpoint comes. */
export interface Filter {
  readonly checkpointInterval: number;
  matches(event: RecordedEvent): boolean;
}

/** A place in a stream (a revision) or in $all (a position). */
export type Place = number | 'start' | 'end';

export interface ReadRequest {
  /** `ALL`, or the name of a stream. */
  readonly stream: string;
  readonly from: Place;
  readonly backwards: boolean;
  /** How many events at most; undefined for a subscription. */
  readonly count?: number;
  readonly filter?: Filter;
  readonly structuredIds: boolean;
}

/** Server: a request that leaves one of its choices open is refused. */
export function parseReadRequest(request: streams.ReadReq): ReadRequest {
  const options = request.getOptions();
  if (!options) throw invalidArgument('A read needs options');
  if (!options.hasCount() && !options.hasSubscription()) {
    throw invalidArgument('A read needs a count or a subscription');
  }
  if (!options.hasFilter() && !options.hasNoFilter()) throw invalidArgument('A filter is missing');
  if (!options.getUuidOption()) throw invalidArgument('The form of ids is missing');
  const filter = options.getFilter();
  return {
    ...target(options),
    backwards: options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS,
    count: options.hasCount() ? toNumber(options.getCount()) : undefined,
    filter: filter && toFilter(filter),
    structuredIds: options.getUuidOption()?.hasStructured() ?? false,
  };
}

function target(options: streams.ReadReq.Options): Pick<ReadRequest, 'stream' | 'from'> {
  const stream = options.getStream();
  if (stream) {
    const revision = stream.hasRevision() ? toNumber(stream.getRevision()) : undefined;
    const from = revision ?? (stream.hasEnd() ? 'end' : 'start');
    return { stream: streamName(stream.getStreamIdentifier()), from };
  }
  const all = options.getAll();
  if (!all) throw invalidArgument('A read needs a stream or $all');
  const position = all.getPosition();
  const end = all.hasEnd() ? 'end' : 'start';
  return { stream: ALL, from: position ? toNumber(position.getCommitPosition()) : end };
}

/** What is beyond 2^53 is beyond all that is stored here. */
const toNumber = (text: string): number => Math.min(Number(text), Number.MAX_SAFE_INTEGER);

function toFilter(options: streams.ReadReq.Options.FilterOptions): Filter {
  const onStream = options.getStreamIdentifier();
  const expression = onStream ?? options.getEventType();
  if (!expression) throw invalidArgument('A filter needs an expression');
  const window = options.hasMax() ? options.getMax() : DEFAULT_WINDOW;
  const multiplier = options.getCheckpointintervalmultiplier();
  if (window < 1 || multiplier < 1) throw invalidArgument('A filter needs a window above 0');
  const prefixes = expression.getPrefixList();
  const regex = new RegExp(expression.getRegex());
  const matches = (text: string): boolean =>
    prefixes.length > 0 ? prefixes.some((prefix) => text.startsWith(prefix)) : regex.test(text);
  return {
    checkpointInterval: window * multiplier,
    matches: (event) => matches(onStream ? event.stream : event.type),
  };
}
