/**
 * What the log's streams are called in the cluster. Those of the port begin with the prefix; what the
 * adapter keeps for itself begins with another one, so that no read of the port ever meets it.
 */
export class StreamNames {
  /** Which log this is: one event, written when the log is first opened. */
  readonly identity: string;
  /** Positions without an event of the port, see `LogMarks`. */
  readonly marks: string;
  readonly health: string;
  /** Names of those for whom there may be a checkpoint, a pause or parked events. */
  readonly processors: string;

  constructor(private readonly prefix: string) {
    this.identity = this.own('log', '');
    this.marks = this.own('marks', '');
    this.health = this.own('health', '');
    this.processors = this.own('processors', '');
  }

  /** A subscription to these sees every place that the log gives out as a position. */
  get prefixes(): string[] {
    return [this.prefix, this.marks];
  }

  inCluster(stream: string): string {
    return this.prefix + stream;
  }

  /** The port's name; undefined for a stream that is not of the port. */
  inPort(stream: string): string | undefined {
    return stream.startsWith(this.prefix) ? stream.slice(this.prefix.length) : undefined;
  }

  /** An event of this stream is a place that the log gives out as a position. */
  isPlace(streamInCluster: string): boolean {
    return streamInCluster.startsWith(this.prefix) || streamInCluster === this.marks;
  }

  snapshot(stream: string): string {
    return this.own('snapshot', stream);
  }

  checkpoint(processor: string): string {
    return this.own('checkpoint', processor);
  }

  lease(processor: string): string {
    return this.own('lease', processor);
  }

  parked(processor: string): string {
    return this.own('parked', processor);
  }

  pause(processor: string): string {
    return this.own('pause', processor);
  }

  private own(kind: string, name: string): string {
    return `_${this.prefix}${kind}${name === '' ? '' : `-${name}`}`;
  }
}
