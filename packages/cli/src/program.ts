import { readFileSync } from 'node:fs';
import tab from '@bomb.sh/tab/commander';
import { Command, Option } from 'commander';
import type { Act } from './act.js';
import { DEFAULT_SERVER } from './connection.js';
import { addExamples } from './examples.js';
import { EXIT_CODES_HELP } from './exit-codes.js';
import type { Io } from './io.js';
import { isTerminal } from './output/output.js';
import { addAuditCommands } from './audit/index.js';
import { addJobCommands } from './jobs/job-commands.js';
import { addBackupCommand } from './operate/backup.js';
import { addLogCommands } from './operate/log.js';
import { addParkedCommands } from './operate/parked.js';
import { addProcessorCommands } from './operate/processors.js';
import { addTypeCommands } from './operate/types.js';
import { addWorkerCommands } from './operate/workers.js';
import { addProjectionCommands } from './projections/index.js';
import { addPolicyCommands } from './projections/policy.js';
import { addTaskCommands } from './tasks/index.js';
import { wholeNumber } from './arguments.js';

const { version: VERSION } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string };

const GROUPS = [
  addTaskCommands,
  addAuditCommands,
  addTypeCommands,
  addWorkerCommands,
  addProcessorCommands,
  addParkedCommands,
  addProjectionCommands,
  addPolicyCommands,
  addJobCommands,
  addLogCommands,
  addBackupCommand,
];

const HELP = `
Examples:
  taskmanager task list --status running,failed
  taskmanager task watch
  taskmanager task explain 0190a5a0-0000-7000-8000-000000000001
  taskmanager audit query --by ann --since 2h
  taskmanager --server nats://broker:4222 processor list --json

Variables: TASKMANAGER_SERVER, TASKMANAGER_TOKEN, TASKMANAGER_ACTOR stand in for their options;
NATS_USER with NATS_PASSWORD, NATS_TOKEN or NATS_CREDS_FILE are for the broker; NO_COLOR turns colours off.

${EXIT_CODES_HELP}`;

/** The tree of all commands. Throws CommanderError instead of ending the process. */
export function buildProgram(io: Io, act: Act): Command {
  const program = new Command('taskmanager')
    .description('Lists, watches, steers, audits and repairs the tasks of a TaskManager service.')
    .version(VERSION, '-V, --version', 'which release this is')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.output.write(text),
      // Programs are told by what is thrown.
      writeErr: (text) => void (program.opts()['json'] || io.errors.write(text)),
      getOutHelpWidth: () => io.output.columns ?? 100,
      getErrHelpWidth: () => io.errors.columns ?? 100,
      getOutHasColors: () => isTerminal(io.output) && !io.variables['NO_COLOR'],
      getErrHasColors: () => isTerminal(io.errors) && !io.variables['NO_COLOR'],
    })
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => title })
    .showSuggestionAfterError()
    .showHelpAfterError('(--help says more)')
    .option(
      '--server <url>',
      `where the service is: tcp://host:port or nats://host:port (${DEFAULT_SERVER})`,
    )
    .option(
      '--token <token>',
      'who you are; better in TASKMANAGER_TOKEN, where others cannot see it',
    )
    .option('--actor <name>', 'who you are, for a service without a token file (your user name)')
    .addOption(
      new Option('--timeout <seconds>', 'give up after so long without an answer')
        .default(15)
        .argParser(wholeNumber(1, 3_600)),
    )
    .option('--json', 'answer in JSON, for programs')
    .option('--no-color', 'no colours')
    .option('--utc', 'times in UTC')
    .option('--iso', 'times as ISO 8601')
    .option('-y, --yes', 'do not ask before what cannot be undone')
    .addHelpText('after', HELP);
  for (const add of GROUPS) add(program, act);
  addExamples(program);
  addCompletion(program);
  return program;
}

/** The shell asks the program itself what fits, so that completion knows every option and its values. */
function addCompletion(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('a script that completes commands, options and what options may say')
    .addHelpText('after', COMPLETION_HELP);
}

const COMPLETION_HELP = `
Examples:
  source <(taskmanager completion bash)          in ~/.bashrc; it wants the package bash-completion
  source <(taskmanager completion zsh)           in ~/.zshrc, after compinit
  taskmanager completion fish | source           in ~/.config/fish/config.fish`;
