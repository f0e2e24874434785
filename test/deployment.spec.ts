/**
 * What can be known of `Dockerfile` and `compose.yaml` without a container engine: that they name what is
 * there, and set up the service with settings that it has.
 */
import { afterAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Settings, VARIABLES, type Variable } from '../src/config/index.js';

const yaml = createRequire(import.meta.url)('js-yaml') as { load(text: string): unknown };

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** A version of at least two numbers; `latest`, `24` or nothing would be another image tomorrow. */
const PINNED = /^[\w./-]+:\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/;

interface Instruction {
  readonly name: string;
  readonly text: string;
}

interface Stage {
  readonly image: string;
  readonly as: string | undefined;
  readonly instructions: readonly Instruction[];
}

function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  return lines.map((line) => {
    const match = /^([A-Z]+)\s+(.+)$/.exec(line);
    if (!match) throw new Error(`No instruction: ${line}`);
    return { name: match[1]!, text: match[2]!.trim() };
  });
}

function stagesOf(dockerfile: string): Stage[] {
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const instruction of instructionsOf(dockerfile)) {
    if (instruction.name === 'FROM') {
      const [image = '', , as] = instruction.text.split(/\s+/);
      stages.push({ image, as, instructions: [] });
    } else stages.at(-1)!.instructions.push(instruction);
  }
  return stages;
}

const stages = stagesOf(read('Dockerfile'));
const [build, final] = [stages[0]!, stages.at(-1)!];
const texts = ({ instructions }: Stage, name: string) =>
  instructions.filter((each) => each.name === name).map(({ text }) => text);

interface Copy {
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly to: string;
}

const copiesOf = (stage: Stage): Copy[] =>
  texts(stage, 'COPY').map((text) => {
    const words = text.split(/\s+/);
    const from = /^--from=(.+)$/.exec(words[0]!)?.[1];
    const paths = words.filter((word) => !word.startsWith('--'));
    return { from, sources: paths.slice(0, -1), to: paths.at(-1)! };
  });

/** What the build stage makes, beside what was copied into it. */
const MADE = /^(node_modules|dist|packages\/[\w-]+\/dist)\/?$/;

describe('The Dockerfile', () => {
  it('copies only what exists, and what was made before', () => {
    for (const stage of stages) {
      for (const { from, sources } of copiesOf(stage)) {
        if (from !== undefined) expect(stages.map(({ as }) => as)).toContain(from);
        for (const source of sources) {
          const path = from === undefined ? source : source.replace(/^\/app\//, '');
          const there = existsSync(join(ROOT, path)) || (from !== undefined && MADE.test(path));
          expect({ source, there }).toEqual({ source, there: true });
        }
      }
    }
  });

  it('copies nothing from outside that .dockerignore leaves out', () => {
    const rules = read('.dockerignore')
      .split('\n')
      .filter((line) => /^[^#\s]/.test(line));
    const kept = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
    const outside = stages.flatMap(copiesOf).filter(({ from }) => from === undefined);
    for (const source of outside.flatMap(({ sources }) => sources)) {
      const isKept = kept.some((path) => source === path || source.startsWith(`${path}/`));
      expect({ source, isKept }).toEqual({ source, isKept: true });
    }
    for (const path of kept)
      expect({ path, exists: existsSync(join(ROOT, path)) }).toEqual({ path, exists: true });
    expect(rules).toEqual(expect.arrayContaining(['*', '**/node_modules', '**/dist']));
  });

  it('installs every workspace package that the lock file knows', () => {
    const workspaces = Object.keys(
      (JSON.parse(read('package-lock.json')) as { packages: object }).packages,
    ).filter((path) => /^packages\/[^/]+$/.test(path));
    const manifests = copiesOf(build).flatMap(({ sources }) => sources);
    for (const path of workspaces) expect(manifests).toContain(`${path}/package.json`);
    expect(texts(build, 'RUN')).toContain('npm ci');
  });

  it('builds with the Node that it runs on, both pinned', () => {
    for (const { image } of stages) expect(image).toMatch(PINNED);
    expect(final.image).toBe(`${build.image}-slim`);
    const [major, minor] = /node:(\d+)\.(\d+)/.exec(final.image)!.slice(1).map(Number);
    expect(major! * 100 + minor!).toBeGreaterThanOrEqual(20 * 100 + 12);
  });

  it('starts what npm start starts, as process 1 and as nobody special', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const [, started] = scripts['start']!.split(' && ');
    const command = JSON.parse(texts(final, 'CMD').at(-1)!) as string[];
    expect(command.join(' ')).toBe(started);
    expect(texts(final, 'ENTRYPOINT')).toEqual([]);
    expect(texts(final, 'USER')).toEqual(['node']);
    const names = final.instructions.map(({ name }) => name);
    expect(names.lastIndexOf('COPY')).toBeLessThan(names.indexOf('USER'));
  });

  it('keeps the data folder of the settings in a volume that its user may write', () => {
    const environment = Object.fromEntries(
      texts(final, 'ENV').flatMap((text) => text.split(/\s+/).map((pair) => pair.split('='))),
    ) as Record<string, string>;
    const folder = environment[VARIABLES.dataDir.name]!;
    expect(texts(final, 'VOLUME')).toEqual([folder]);
    expect(texts(final, 'RUN').join('\n')).toContain(`chown node:node ${folder}`);
    expect(texts(final, 'EXPOSE')).toEqual([VARIABLES.tcpPort.fallback]);
  });

  it('has in its last stage every file that its commands name', () => {
    const there = copiesOf(final).flatMap(({ sources, to }) =>
      sources.map((source) => (to.endsWith('/') ? join(to, source.split('/').at(-1)!) : to)),
    );
    const [probe] = texts(final, 'HEALTHCHECK').map(
      (text) => JSON.parse(/\[.*\]$/.exec(text)![0]) as string[],
    );
    const script = probe!.at(-1)!;
    expect(there.map((path) => path.replace(/^packages.*/, ''))).toContain(script);
    for (const [program, main] of [
      ['scripts/log-copy.mjs', 'log-copy/main'],
      ['scripts/restore.mjs', 'backup/main'],
    ] as const) {
      expect(there).toContain(program);
      // What the scripts import stands beside them.
      expect(read(program)).toContain(`from '../dist/${main}.js'`);
      expect(existsSync(join(ROOT, `src/${main}.ts`))).toBe(true);
    }
    const [imported] = [...read(script).matchAll(/from '(@taskmanager\/[a-z]+)'/g)].map(
      ([, name]) => name!,
    );
    const links = copiesOf(final).flatMap(({ sources }) => sources);
    expect(links).toContain(`/app/packages/${imported!.split('/')[1]}/dist`);
  });
});

interface Service {
  readonly image?: string;
  readonly build?: unknown;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly expose?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: unknown;
  readonly stop_grace_period?: string;
  readonly ports?: readonly string[];
  readonly command?: readonly string[];
}

const compose = yaml.load(read('compose.yaml')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const replicas = services.filter(([, { build }]) => build !== undefined);
const nodes = services.filter(([, { image }]) => image?.startsWith('kurrentplatform/'));
const volumesOf = ({ volumes = [] }: Service) => volumes.map((text) => text.split(':'));

/** What compose puts in the place of `${NAME:?…}`: the test's own words. */
const filledIn = (environment: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{(\w+)[^}]*\}/g, 'secret'),
    ]),
  );

/** Every `host:port` in a text. */
const addressesIn = (text: string) =>
  [...text.matchAll(/([a-z][a-z0-9-]*):(\d{2,5})\b/g)].map(([, host = '', port = '']) => ({
    host,
    port,
  }));

describe('compose.yaml', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-deployment-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has a cluster of three, a broker, and the service twice', () => {
    expect(nodes.map(([name]) => name)).toEqual(['kurrentdb-1', 'kurrentdb-2', 'kurrentdb-3']);
    expect(replicas.map(([name]) => name)).toEqual(['taskmanager-1', 'taskmanager-2']);
    expect(compose.services['nats']).toBeDefined();
  });

  it('pins every image', () => {
    for (const [name, { image }] of services) {
      expect({ name, image }).toEqual({
        name,
        image: expect.stringMatching(PINNED) as unknown as string,
      });
    }
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(new Set(replicas.map(([, { image }]) => image))).toEqual(
      new Set([`taskmanager:${version}`]),
    );
  });

  it('sets no variable that the service does not have, and no value that it refuses', () => {
    const variables = Object.values<Variable>(VARIABLES);
    for (const [service, { environment }] of replicas) {
      const names = Object.keys(environment ?? {});
      const unknown = names.filter((name) => !variables.some((variable) => variable.name === name));
      expect({ service, unknown }).toEqual({ service, unknown: [] });

      const values = filledIn(environment);
      for (const { name, allowed } of variables) {
        if (allowed !== 'a readable file' || values[name] === undefined) continue;
        writeFileSync(join(folder, name), 'a file');
        values[name] = join(folder, name);
      }
      const settings = new Settings(values);
      expect(settings.eventStore).toBe('eventstoredb');
      expect(settings.nats?.queue).toBeDefined();
    }
  });

  it('lets both serve one queue group, each with a volume of its own for its views', () => {
    const queues = replicas.map(([, { environment }]) => environment?.[VARIABLES.natsQueue.name]);
    expect(queues[0]).toBeDefined();
    expect(new Set(queues).size).toBe(1);
    const homes = replicas.map(([, service]) => {
      const folder = service.environment![VARIABLES.dataDir.name];
      return volumesOf(service).find(([, inside]) => inside === folder)?.[0];
    });
    expect(homes.every((home) => home !== undefined)).toBe(true);
    expect(new Set(homes).size).toBe(replicas.length);
    const wait = replicas.map(
      ([, { stop_grace_period }]) => Number.parseInt(stop_grace_period!, 10) * 1_000,
    );
    for (const ms of wait) expect(ms).toBeGreaterThan(Number(VARIABLES.shutdownTimeoutMs.fallback));
  });

  it('names only services that exist, by ports that they have', () => {
    for (const [name, { environment, depends_on }] of services) {
      for (const other of Object.keys(depends_on ?? {})) {
        expect({ name, other, exists: other in compose.services }).toMatchObject({ exists: true });
      }
      for (const [variable, value] of Object.entries(environment ?? {})) {
        for (const { host, port } of addressesIn(value)) {
          const exposed = compose.services[host]?.expose ?? [];
          expect({ name, variable, host, ports: exposed }).toMatchObject({
            ports: expect.arrayContaining([port]) as unknown as string[],
          });
        }
      }
    }
    const seeds = replicas.map(([, { environment }]) =>
      addressesIn(environment!['EVENTSTOREDB_URL']!),
    );
    for (const hosts of seeds) {
      expect(hosts.map(({ host }) => host)).toEqual(nodes.map(([name]) => name));
    }
  });

  it('waits for what has a health check, or ends', () => {
    const checked = (name: string) =>
      compose.services[name]!.healthcheck !== undefined ||
      // These images bring one.
      compose.services[name]!.image!.startsWith('kurrentplatform/');
    for (const [, { depends_on }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
        if (condition === 'service_healthy')
          expect({ other, is: checked(other) }).toMatchObject({ is: true });
        else expect(condition).toBe('service_completed_successfully');
      }
    }
  });

  it('declares every volume that is used, and uses every one that is declared', () => {
    const used = services.flatMap(([, service]) => volumesOf(service).map(([volume]) => volume!));
    expect(new Set(used)).toEqual(new Set(Object.keys(compose.volumes)));
  });

  it('knits the nodes together: each knows the others, and has a certificate and data of its own', () => {
    const names = nodes.map(([name]) => name);
    const made = compose.services['certificates']!.command!.join(' ');
    for (const [name, service] of nodes) {
      const environment = service.environment!;
      const seeds = addressesIn(environment['KURRENTDB_GOSSIP_SEED']!).map(({ host }) => host);
      expect(seeds).toEqual(names.filter((other) => other !== name));
      expect(environment['KURRENTDB_NODE_HOST_ADVERTISE_AS']).toBe(name);
      expect(environment['KURRENTDB_REPLICATION_HOST_ADVERTISE_AS']).toBe(name);
      expect(environment['KURRENTDB_CLUSTER_SIZE']).toBe(String(nodes.length));
      const certificate = environment['KURRENTDB_CERTIFICATE_FILE']!;
      const place = /^\/certs\/(node\d)\/node\.crt$/.exec(certificate)![1];
      expect(environment['KURRENTDB_CERTIFICATE_PRIVATE_KEY_FILE']).toBe(
        `/certs/${place}/node.key`,
      );
      expect(made).toContain(`-out ./${place} -ip-addresses 127.0.0.1 -dns-names ${name},`);
      expect(volumesOf(service)).toContainEqual([name, '/var/lib/kurrentdb']);
    }
    const settings = nodes.map(([, { environment }]) => Object.keys(environment!).sort());
    expect(new Set(settings.map((list) => list.join())).size).toBe(1);
    expect(
      new Set(nodes.map(([, { environment }]) => environment!['KURRENTDB_CERTIFICATE_FILE'])).size,
    ).toBe(3);
  });

  it('holds no secret, and is open to this machine only', () => {
    for (const [, { environment = {}, ports = [] }] of services) {
      for (const [name, value] of Object.entries(environment)) {
        if (/PASSWORD|TOKEN|SECRET/.test(name)) expect(value).toMatch(/^\$\{\w+:\?/);
      }
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });
});
