import { contextOf } from './command-context.js';

/**
 * Who sends an admin command, and why, for the log line that tells of it. Quoted: it comes from outside,
 * and may hold line ends and control characters.
 */
export function whoAndWhy(command: object, reason?: string): string {
  const { actor, transport, correlationId } = contextOf(command);
  const word = actor.verified ? '' : ', not verified';
  const why = reason === undefined ? '' : `: ${JSON.stringify(reason)}`;
  return `${JSON.stringify(actor.id)} (over ${transport}${word}, correlationId ${JSON.stringify(correlationId)})${why}`;
}
