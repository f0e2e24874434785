/** So many stand in a sentence. */
const SHOWN = 10;

/** Names in a sentence: the first of them, and how many more there are. A task may have hundreds of approvers. */
export function listed(names: readonly string[]): string {
  const rest = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
