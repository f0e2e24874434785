import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { SearchAnswer, SearchRepositoryRequest } from '@taskmanager/protocol';
import type { RepositorySearch } from '@taskmanager/search';
import { Refusal } from '../context/index.js';

/** The search of the workers' indexes, loaded when somebody searches. */
@Injectable()
export class LazySearch implements OnApplicationShutdown {
  private loaded: RepositorySearch | undefined;

  /** @param root the first of WORKER_ROOTS: where workers keep their indexes */
  constructor(private readonly root: string) {}

  /** @throws Refusal */
  async search(request: SearchRepositoryRequest): Promise<SearchAnswer> {
    const { RepositorySearch, SearchProblem } = await import('@taskmanager/search');
    this.loaded ??= new RepositorySearch(this.root);
    try {
      return await this.loaded.search(request);
    } catch (error) {
      if (!(error instanceof SearchProblem)) throw error;
      const { code, message, field } = error;
      throw new Refusal(code, message, field === undefined ? undefined : { field });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loaded?.close();
  }
}
