/** What a name means to people: `docs/meanings.json` says it, or nothing is generated. */
export function meaningOf(meanings, name, where) {
  const meaning = meanings?.[name];
  if (meaning === undefined)
    throw new Error(`docs/meanings.json says nothing of ${where}.${name}.`);
  return meaning;
}
