/**
 * Transactions: node-postgres through drizzle. postgres.js must not run them: when a backend dies inside `begin()` its
 * callback goes on over another connection, inside somebody else's transaction (porsager/postgres 1215, 1204, 1189).
 * drizzle's own `transaction()` leaks a client when BEGIN fails (drizzle-orm 6341), hence this wrapper.
 */
import { hkdfSync } from 'node:crypto';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import type { DatabaseServer } from '../config.ts';
import { LIMITS } from '../limits.ts';
import { loginPassword } from './logins.ts';

export type Transaction = NodePgDatabase;

export type Transactions = {
  /** Runs `work` in one transaction on a login; commits when it returns, rolls back when it throws. */
  run<T>(login: string, work: (tx: Transaction) => Promise<T>): Promise<T>;
  end(): Promise<void>;
};

const secrets = new WeakMap<Transaction, string>();

/** A key of 256 bits for one use, made of the secret that the logins' passwords are made of (HKDF, RFC 5869): it is kept nowhere. */
export function derivedKey(tx: Transaction, use: string): Buffer {
  const secret = secrets.get(tx);
  if (secret === undefined) throw new Error('A key is derived within a transaction.');
  return Buffer.from(hkdfSync('sha256', secret, '', use, 32));
}

/** Serialisation failure and deadlock: the transaction had no effect and may be run again. */
const AGAIN = new Set(['40001', '40P01']);

export function createTransactions(server: DatabaseServer, secret: string): Transactions {
  const pools = new Map<string, pg.Pool>();
  const poolOf = (login: string): pg.Pool => {
    let pool = pools.get(login);
    if (!pool) {
      pool = new pg.Pool({
        host: server.host,
        port: server.port,
        database: server.database,
        user: login,
        password: loginPassword(secret, login),
        ssl: server.tls,
        max: LIMITS.writersPerLogin,
        idleTimeoutMillis: 30_000,
        connectionTimeoutMillis: 10_000,
        allowExitOnIdle: true,
      });
      // An idle client whose backend died is removed by the pool; it must not take the process with it.
      pool.on('error', () => {});
      // Nor must a client that is on its way out of the pool: "ready" and "terminated" may come in one packet, and
      // then no listener of the pool's stands yet. The query that follows fails, and says so.
      pool.on('connect', (client) => client.on('error', () => {}));
      pools.set(login, pool);
    }
    return pool;
  };
  const attempt = async <T>(login: string, work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const client = await poolOf(login).connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const tx = drizzle(client);
      secrets.set(tx, secret);
      const result = await work(tx);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((failed: Error) => {
        broken = failed;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return {
    async run(login, work) {
      for (let left = 3; ; left--) {
        try {
          return await attempt(login, work);
        } catch (error) {
          const code =
            (error as { code?: string; cause?: { code?: string } }).code ?? (error as { cause?: { code?: string } }).cause?.code ?? '';
          if (left === 0 || !AGAIN.has(code)) throw error;
        }
      }
    },
    async end() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
      pools.clear();
    },
  };
}
