import { Inject } from '@nestjs/common';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { SearchAnswer } from '@taskmanager/protocol';
import { queryContextOf, Refusal } from '../context/index.js';
import { LazySearch } from './lazy-search.js';
import { SearchRepository } from './search-repository.query.js';

@QueryHandler(SearchRepository)
export class SearchRepositoryHandler implements IQueryHandler<SearchRepository, SearchAnswer> {
  constructor(@Inject(LazySearch) private readonly search: LazySearch) {}

  async execute(query: SearchRepository): Promise<SearchAnswer> {
    // An index belongs to no app: nothing says which of its files those of one app may read.
    if (queryContextOf(query).apps !== undefined)
      throw new Refusal('FORBIDDEN', 'A token that is confined to apps may not search files.');
    return this.search.search({ ...query });
  }
}
