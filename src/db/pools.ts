/**
 * Connections for reads: postgres.js, one autocommit statement at a time, a pool for each login. Identity is the
 * connection, so nothing has to be set for a request. Transactions go through `transactions.ts`.
 */
import postgres from 'postgres';
import type { DatabaseServer } from '../config.ts';
import { PublicError } from '../errors.ts';
import { loginPassword } from './logins.ts';

/** One server's connections, shared out over the logins. */
export const LIMITS = { perLogin: 10, pools: 20, waiting: 500, idleSeconds: 30, lifeSeconds: 1800, tries: 4 };

export type Row = Record<string, string | null>;

export type Pool = {
  /** Runs one statement; parameters are text, their types are in the SQL. `json` comes back as text. */
  query(text: string, parameters: (string | null)[], prepare: boolean): Promise<Row[]>;
  sql: postgres.Sql;
};

export type Pools = { of(login: string): Pool; end(): Promise<void> };

/** Settings of a postgres.js client that a login of ours needs. */
export function clientOptions(
  server: DatabaseServer,
  login: string,
  secret: string,
  max: number,
): postgres.Options<Record<string, postgres.PostgresType>> {
  return {
    host: server.host,
    port: server.port,
    database: server.database,
    username: login,
    password: loginPassword(secret, login),
    ssl: server.tls ? 'verify-full' : false,
    max,
    idle_timeout: LIMITS.idleSeconds,
    max_lifetime: LIMITS.lifeSeconds,
    connect_timeout: 10,
    fetch_types: false,
    onnotice: () => {},
    // The answer's JSON is passed on as the text it came in.
    types: { json: { to: 114, from: [114], serialize: (value: unknown) => value, parse: (text: string) => text } } as never,
  };
}

/** Whether an error says that the connection, not the statement, failed: a read may be tried once more. */
export function connectionLost(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  // node-postgres has no code for a connection that ended under a query.
  if (code === '')
    return /^Connection terminated|^timeout exceeded when trying to connect|^Client has encountered a connection error/.test(message);
  return /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ETIMEDOUT|57P0|08)/.test(code);
}

/** An error of PostgreSQL in words of our own. */
export function databaseError(error: unknown): PublicError {
  const code = (error as { code?: string }).code ?? '';
  const mapped =
    code === '57014'
      ? new PublicError('TIMEOUT')
      : connectionLost(error) || code === '53300' || code === '55P03'
        ? new PublicError('UNAVAILABLE')
        : new PublicError('INTERNAL');
  mapped.cause = error;
  return mapped;
}

/** Pools by login, made when first asked for; the one unused for longest makes room. */
export function createPools(server: DatabaseServer, secret: string): Pools {
  const pools = new Map<string, Pool & { busy: () => number; close: () => Promise<void> }>();
  const make = (login: string) => {
    const sql = postgres(clientOptions(server, login, secret, LIMITS.perLogin));
    const waiting: (() => void)[] = [];
    let running = 0;
    const enter = (): Promise<void> | void => {
      if (running < LIMITS.perLogin) {
        running++;
        return;
      }
      // postgres.js would queue behind a busy connection; we queue for whichever is free first.
      if (waiting.length >= LIMITS.waiting) throw new PublicError('UNAVAILABLE');
      return new Promise((resolve) => waiting.push(resolve));
    };
    const leave = () => {
      const next = waiting.shift();
      if (next) next();
      else running--;
    };
    const once = (text: string, parameters: (string | null)[], prepare: boolean) =>
      sql.unsafe(text, parameters as never[], { prepare }) as unknown as Promise<Row[]>;
    return {
      sql,
      busy: () => running,
      close: () => sql.end({ timeout: 5 }),
      async query(text: string, parameters: (string | null)[], prepare: boolean) {
        const wait = enter();
        if (wait) await wait;
        try {
          // A read has no effect, so it is asked again over other connections when one is lost; several may be.
          for (let left = LIMITS.tries - 1; ; left--) {
            try {
              return await once(text, parameters, prepare);
            } catch (error) {
              if (left === 0 || !connectionLost(error)) throw error;
            }
          }
        } finally {
          leave();
        }
      },
    };
  };
  return {
    of(login) {
      const found = pools.get(login);
      const pool = found ?? make(login);
      pools.delete(login);
      pools.set(login, pool);
      if (!found && pools.size > LIMITS.pools) {
        const idle = [...pools].find(([, candidate]) => candidate.busy() === 0);
        if (idle) {
          pools.delete(idle[0]);
          void idle[1].close();
        }
      }
      return pool;
    },
    async end() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      pools.clear();
    },
  };
}
