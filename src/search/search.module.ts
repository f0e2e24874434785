import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Settings } from '../config/index.js';
import { LazySearch } from './lazy-search.js';
import { SearchRepositoryHandler } from './search-repository.handler.js';

/** Reads what the workers that come with TaskManager have indexed. */
@Module({
  imports: [CqrsModule],
  providers: [
    {
      provide: LazySearch,
      useFactory: (settings: Settings) => new LazySearch(settings.workers.roots[0]),
      inject: [Settings],
    },
    SearchRepositoryHandler,
  ],
})
export class SearchModule {}
