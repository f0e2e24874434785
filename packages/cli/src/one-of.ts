import { InvalidArgumentError, Option } from 'commander';

/** An option that takes some of a few words, several times or with commas. */
export function someOf<T extends string>(flags: string, description: string, words: readonly T[]) {
  const known = (word: string): word is T => (words as readonly string[]).includes(word);
  const option = new Option(flags, `${description}; several with commas`);
  // Shown in the help, offered by completion.
  option.argChoices = [...words];
  return option.argParser((text: string, before: readonly T[] = []): readonly T[] => {
    const named = text.split(',').map((word) => word.trim());
    const unknown = named.find((word) => !known(word));
    if (unknown !== undefined) throw new InvalidArgumentError(`Allowed: ${words.join(', ')}.`);
    return [...before, ...named.filter(known)];
  });
}
