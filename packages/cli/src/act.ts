import type { Command } from 'commander';
import type { ExitCode } from './exit-codes.js';
import type { Session } from './session.js';

/** What a command does; answers how it ends, `ExitCode.Done` when it says nothing. */
export type Body<A extends readonly unknown[]> = (
  session: Session,
  ...args: A
) => Promise<ExitCode | void>;

/** Makes a command's body its action: with a session of its own, closed at the end. */
export type Act = <A extends readonly unknown[]>(body: Body<A>) => (...args: A) => Promise<void>;

/** Adds its commands to a command line, or to a group of it. */
export type Define = (group: Command, act: Act) => void;
