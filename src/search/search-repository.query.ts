import {
  SEARCH_KINDS,
  type SearchKind,
  SYMBOL_KINDS,
  type SymbolKind,
} from '@taskmanager/protocol';
import { IsIn } from 'class-validator';
import {
  HasLength,
  IsCursor,
  IsOneLine,
  IsPageSize,
  Optional,
} from '../projections/query-fields.js';

const MAX_PATH = 4_096;

/** Searches what the task type `index_repository` has indexed. */
export class SearchRepository {
  static readonly message = 'search_repository';

  @HasLength(1, MAX_PATH)
  readonly directory: string;

  @IsOneLine(256)
  readonly text: string;

  @Optional()
  @IsIn(SEARCH_KINDS)
  readonly kind?: SearchKind;

  @Optional()
  @IsIn(SYMBOL_KINDS)
  readonly symbolKind?: SymbolKind;

  @Optional()
  @HasLength(1, 128)
  readonly language?: string;

  @Optional()
  @HasLength(1, MAX_PATH)
  readonly path?: string;

  @Optional()
  @IsPageSize()
  readonly limit?: number;

  @Optional()
  @IsCursor()
  readonly cursor?: string;
}
