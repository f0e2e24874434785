/** Why a search answers nothing. The message says what to do. */
export class SearchProblem extends Error {
  override readonly name = 'SearchProblem';

  constructor(
    readonly code: 'VALIDATION_FAILED' | 'UNAVAILABLE' | 'OVERLOADED',
    message: string,
    /** Of the request. */
    readonly field?: string,
  ) {
    super(message);
  }
}
