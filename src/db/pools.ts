/**
 * Connections for reads: postgres.js, one autocommit statement at a time, a pool for each login. Identity is the
 * connection, so nothing has to be set for a request. Transactions go through `transactions.ts`.
 */
import postgres from 'postgres';
import type { DatabaseServer } from '../config.ts';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { loginPassword } from './logins.ts';

export type Row = Record<string, string | null>;

/** For whom a statement runs: users share a login's connections fairly, and nobody waits for who has left. */
export type Asker = {
  /** Client and user. */
  who: string;
  gone: boolean;
  /** Set while something runs for the asker: ends it. */
  leave: (() => void) | null;
};

export type Pool = {
  /** Runs one statement; parameters are text, their types are in the SQL. `json` comes back as text. */
  query(text: string, parameters: (string | null)[], prepare: boolean, asker: Asker): Promise<Row[]>;
  /** Statements that run, and that wait for a connection. */
  load(): { running: number; waiting: number };
};

export type Pools = { of(login: string): Pool; load(): { running: number; waiting: number }; end(): Promise<void> };

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
    // One statement at a time on a connection: the answer to one that was ended could be taken for the next one's.
    ...({ max_pipeline: 0 } as object),
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
  if (error instanceof PublicError) return error;
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

/** Connections of one login: at most so many statements at once, and fewer for any one user. */
function createTurns() {
  const waiting: { asker: Asker; go: () => void }[] = [];
  const runningFor = new Map<string, number>();
  let running = 0;
  const mayRun = ({ who }: Asker) => running < LIMITS.connectionsPerLogin && (runningFor.get(who) ?? 0) < LIMITS.connectionsPerUser;
  const begin = ({ who }: Asker) => {
    running++;
    runningFor.set(who, (runningFor.get(who) ?? 0) + 1);
  };
  return {
    load: () => ({ running, waiting: waiting.length }),
    /** Begins at once, or gives a promise of the asker's turn. @throws PublicError UNAVAILABLE when too many wait, or the asker has left. */
    take(asker: Asker): Promise<void> | null {
      if (mayRun(asker)) {
        begin(asker);
        return null;
      }
      if (waiting.length >= LIMITS.waiting) throw new PublicError('UNAVAILABLE');
      return new Promise((resolve, reject) => {
        const turn = {
          asker,
          go: () => {
            asker.leave = null;
            resolve();
          },
        };
        asker.leave = () => {
          const at = waiting.indexOf(turn);
          if (at !== -1) waiting.splice(at, 1);
          reject(new PublicError('UNAVAILABLE'));
        };
        waiting.push(turn);
      });
    },
    give({ who }: Asker): void {
      running--;
      const left = (runningFor.get(who) ?? 1) - 1;
      if (left === 0) runningFor.delete(who);
      else runningFor.set(who, left);
      const next = waiting.findIndex(({ asker }) => mayRun(asker));
      if (next === -1) return;
      const [turn] = waiting.splice(next, 1);
      begin((turn as { asker: Asker }).asker);
      turn?.go();
    },
  };
}

/** Whether a statement was ended though it had not used up its time and its asker is there: meant for another, which ran before on its connection. */
const endedByMistake = (error: unknown, asker: Asker, since: number) =>
  (error as { code?: string }).code === '57014' && !asker.gone && performance.now() - since < LIMITS.statementSeconds * 900;

/**
 * Pools by login, made when first asked for; the one unused for longest makes room.
 *
 * @param waited told, in seconds, how long a statement waited for a connection.
 * @param ran told of each statement.
 */
export function createPools(
  server: DatabaseServer,
  secret: string,
  waited: (seconds: number) => void = () => {},
  ran: () => void = () => {},
): Pools {
  const pools = new Map<string, Pool & { close: () => Promise<void> }>();
  const make = (login: string) => {
    const sql = postgres(clientOptions(server, login, secret, LIMITS.connectionsPerLogin));
    const turns = createTurns();
    const once = async (text: string, parameters: (string | null)[], prepare: boolean, asker: Asker) => {
      ran();
      const query = sql.unsafe(text, parameters as never[], { prepare });
      let settled = false;
      // Ended only while it runs: postgres.js loses the connection of a statement that is ended on its way to one.
      const end = () => {
        if (settled) return;
        if ((query as unknown as { active?: boolean }).active) query.cancel();
        else setTimeout(end, 5).unref();
      };
      asker.leave = end;
      try {
        // A statement that was ended between its rows leaves a gap in the next result of its connection.
        return ((await query) as unknown as Row[]).filter(() => true);
      } finally {
        settled = true;
        asker.leave = null;
      }
    };
    return {
      load: turns.load,
      close: () => sql.end({ timeout: 5 }),
      async query(text: string, parameters: (string | null)[], prepare: boolean, asker: Asker) {
        // postgres.js would queue behind a busy connection; here whoever waits gets the one that is free first.
        const turn = turns.take(asker);
        if (turn) {
          const since = performance.now();
          await turn;
          waited((performance.now() - since) / 1000);
        }
        try {
          // A read has no effect, so it is asked again over other connections when one is lost; several may be.
          for (let left = LIMITS.tries - 1; ; left--) {
            if (asker.gone) throw new PublicError('UNAVAILABLE');
            const since = performance.now();
            try {
              return await once(text, parameters, prepare, asker);
            } catch (error) {
              if (left === 0 || !(connectionLost(error) || endedByMistake(error, asker, since))) throw error;
            }
          }
        } finally {
          turns.give(asker);
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
      if (!found && pools.size > LIMITS.logins) {
        const idle = [...pools].find(([, candidate]) => candidate.load().running === 0);
        if (idle) {
          pools.delete(idle[0]);
          void idle[1].close();
        }
      }
      return pool;
    },
    load() {
      const loads = [...pools.values()].map((pool) => pool.load());
      return {
        running: loads.reduce((sum, { running }) => sum + running, 0),
        waiting: loads.reduce((sum, { waiting }) => sum + waiting, 0),
      };
    },
    async end() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      pools.clear();
    },
  };
}
