/** The peers' databases, with every write on the disk before its answer: Redis and PostgreSQL. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, needed, onPath, started, temporaryFolder } from '../servers.mjs';

/** PostgreSQL does not run as root: then it runs as the user that its Debian package makes. */
const POSTGRES_USER = 'postgres';

/** Beside what makes it durable: what its own documentation advises for a machine that it has to share. */
const POSTGRES_SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  max_connections: '400',
};
/** As BullMQ's guide for production has it, but for `always` in place of `everysec`. */
const REDIS_SETTINGS = {
  appendonly: 'yes',
  appendfsync: 'always',
  save: '',
  'maxmemory-policy': 'noeviction',
};

/** @returns {Promise<{ port: number, pid: number, settings: string }>} */
export async function startRedis(own) {
  const program = needed('redis-server', 'redis-server', onPath);
  const folder = temporaryFolder(own);
  const port = await freePort();
  const settings = { ...REDIS_SETTINGS, bind: '127.0.0.1', port, dir: folder };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const pid = await started(program, args, {}, port, own);
  const version = /v=(\S+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1];
  return { port, pid, settings: `Redis ${version}: ${told(REDIS_SETTINGS)}` };
}

/** @returns {Promise<{ url: string, pid: number, settings: string }>} */
export async function startPostgres(own) {
  const initdb = needed('initdb', 'postgresql', ofPostgres);
  const program = ofPostgres('postgres');
  const user = process.getuid?.() === 0 ? idsOf(POSTGRES_USER) : {};
  const folder = temporaryFolder(own);
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const init = ['-D', data, '-U', POSTGRES_USER, '-A', 'trust', '-E', 'UTF8', '--locale=C'];
  execFileSync(initdb, init, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const port = await freePort();
  const settings = {
    ...POSTGRES_SETTINGS,
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    log_min_messages: 'fatal',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const pid = await started(program, ['-D', data, ...args], { ...user, cwd: folder }, port, own);
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).match(/[\d.]+/)?.[0];
  return {
    url: `postgres://${POSTGRES_USER}@127.0.0.1:${port}/postgres`,
    pid,
    settings: `PostgreSQL ${version}: ${told(POSTGRES_SETTINGS)}`,
  };
}

/** Debian keeps PostgreSQL's servers, of several versions, off the PATH: the newest. */
function ofPostgres(program) {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).map(Number).filter(Boolean) : [];
  const paths = versions
    .sort((one, other) => other - one)
    .map((version) => join(root, String(version), 'bin', program));
  return paths.find(existsSync) ?? onPath(program);
}

function idsOf(user) {
  const id = (flag) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

const told = (settings) =>
  Object.entries(settings)
    .map(([name, value]) => `${name} ${value === '' ? '""' : value}`)
    .join(', ');
