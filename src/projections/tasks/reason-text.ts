/** How the texts of explain_task name times, and what people wrote. */

export const iso = (at: number): string => new Date(at).toISOString();

/** A length of time for people. */
export function howLong(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.floor(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.floor(ms / 60_000)} min`;
  return `${Math.floor(ms / 3_600_000)} h`;
}

/** Errors and comments may be long; their beginning tells enough, the task has the whole. */
const LONGEST_QUOTE = 300;

export function quoted(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}
