/** What the log holds: how many events of which types, and since when. */
export class GetLogStats {
  static readonly message = 'log_stats';
}
