/** Examples in the help of those commands that say no more than what they take. */
import type { Command } from 'commander';

const TASK = '0190a5a0-0000-7000-8000-000000000001';
const JOB = '0190a5a0-0000-7000-8000-0000000000f0';

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'task get': [TASK, `${TASK} --json`],
  'task history': [TASK, `${TASK} --data --from 4`],
  'task diff': [`${TASK} 4`, `${TASK} 4 "2026-07-01 12:30"`],
  'task explain': [TASK],
  'task stuck': ['', '--grace 1m'],
  'task pause': [`${TASK} --reason "the disk is full"`],
  'task resume': [TASK],
  'task retry': [TASK, `${TASK} --force --reason "the host is back"`],
  'task cancel': [`${TASK} --reason "not needed"`, `${TASK} --yes`],
  'task approve': [`${TASK} --comment "looks good"`],
  'task reject': [`${TASK} --reason "wrong version"`],
  'task export': [`${TASK} --out task.ndjson`],
  'task import': ['task.ndjson'],
  'audit verify': ['', `--task ${TASK}`, '--seal /mnt/elsewhere/seal.json'],
  'type list': ['', '--type clone_repository'],
  'type pause': ['clone_repository --reason "the repository host is moving"'],
  'type resume': ['clone_repository'],
  'type limit': ['index_repository 4 --reason "one disk"', 'index_repository none'],
  'worker list': ['', '--type clone_repository,import_files'],
  'processor list': ['', '--json'],
  'processor pause': ['retry --reason "the repository host is down"'],
  'processor resume': ['retry'],
  'parked list': ['', '--processor webhook:billing'],
  'parked show': [`webhook:billing ${TASK}`],
  'parked retry': [`webhook:billing ${TASK}`, 'webhook:billing --all'],
  'parked discard': [`webhook:billing ${TASK} --reason "the endpoint is gone"`],
  'projection rebuild': ['tasks', 'audit --no-wait'],
  'projection verify': ['tasks'],
  'projection dry-run': ['tasks'],
  'projection drop': ['tasks'],
  'job list': ['--state running'],
  'job get': [`${JOB} --follow`],
  'job abort': [`${JOB} --reason "it is in the way"`],
  'log stats': [''],
  backup: ['', 'before-the-move'],
};

/** Puts them below the help of the commands of `program`. */
export function addExamples(program: Command): void {
  for (const [name, examples] of Object.entries(EXAMPLES)) {
    const command = name
      .split(' ')
      .reduce<Command | undefined>(
        (group, word) => group?.commands.find((one) => one.name() === word),
        program,
      );
    const lines = examples.map((example) => `  taskmanager ${name} ${example}`.trimEnd());
    command?.addHelpText('after', ['', 'Examples:', ...lines].join('\n'));
  }
}
