import { join } from 'node:path';
import { Global, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { makeFolder, Settings } from '../config/index.js';
import { ViewsDatabase } from './views-database.js';

/** Opens `views.db` in the data folder. */
@Global()
@Module({
  providers: [{ provide: ViewsDatabase, useFactory: openViews, inject: [Settings] }],
  exports: [ViewsDatabase],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(private readonly views: ViewsDatabase) {}

  /** After the processors have drained, which is in an earlier hook. */
  onApplicationShutdown(): void {
    this.views.close();
  }
}

function openViews({ dataDir }: Settings): Promise<ViewsDatabase> {
  makeFolder(dataDir);
  const logger = new Logger('Views');
  return ViewsDatabase.open(join(dataDir, 'views.db'), (message) => logger.warn(message));
}
