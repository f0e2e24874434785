import { stat } from 'node:fs/promises';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { LogStats } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { EventLog } from '../../event-store/index.js';
import { AuditReader } from './audit-reader.js';
import { LogPlace } from './log-place.js';
import { GetLogStats } from './log-stats.query.js';

/** Answers from the audit, which has counted; the head is the log's own. */
@QueryHandler(GetLogStats)
export class GetLogStatsHandler implements IQueryHandler<GetLogStats, LogStats> {
  constructor(
    private readonly reader: AuditReader,
    private readonly log: EventLog,
    private readonly place: LogPlace,
  ) {}

  async execute(query: GetLogStats): Promise<LogStats> {
    const { after } = queryContextOf(query);
    const totals = await this.reader.read({ ...(after && { after }), now: true }, (thread, file) =>
      thread.call('totals', file),
    );
    const [head, bytes] = await Promise.all([this.log.head(), this.bytes()]);
    const { firstAt, lastAt, ...counts } = totals;
    return {
      logId: this.log.logId,
      kind: this.place.kind,
      ...(head !== undefined && { head }),
      ...counts,
      ...(firstAt !== null && { firstAt }),
      ...(lastAt !== null && { lastAt }),
      ...(bytes !== undefined && { bytes }),
    };
  }

  private async bytes(): Promise<number | undefined> {
    const { file } = this.place;
    if (file === undefined) return undefined;
    const sizes = await Promise.all(
      [file, `${file}-wal`].map((each) =>
        stat(each).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}
