/** A login's connections are shared fairly among its users, and nobody's statement runs on when they have left. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parseDatabaseServer } from '../../src/config.ts';
import { loginName } from '../../src/db/logins.ts';
import { type Asker, createPools, type Pools } from '../../src/db/pools.ts';
import { LIMITS } from '../../src/limits.ts';
import { LOGIN_SECRET, sqlAs } from '../support/server.ts';

let pools: Pools;
let login: string;

beforeAll(async () => {
  const server = parseDatabaseServer(inject('ownerUrl'));
  pools = createPools(server, LOGIN_SECRET);
  login = loginName(server.database, 'thames-valley-police', 'daily');
});
afterAll(async () => {
  await pools.end();
});

const asker = (who: string): Asker => ({ who, gone: false, leave: null });
const sleep = (by: Asker) => pools.of(login).query('select pg_sleep(0.4)::text as done', [], false, by);
const leave = (by: Asker) => {
  by.gone = true;
  by.leave?.();
};

it('one user with many slow statements leaves connections for the others', async () => {
  const slow = Array.from({ length: 3 * LIMITS.connectionsPerLogin }, () => sleep(asker('slow')));
  expect(pools.of(login).load()).toEqual({ running: LIMITS.connectionsPerUser, waiting: slow.length - LIMITS.connectionsPerUser });
  let finished = 0;
  for (const statement of slow) void statement.then(() => finished++);
  await pools.of(login).query("select 'x' as x", [], false, asker('quick'));
  expect(finished).toBeLessThan(slow.length);
  await Promise.all(slow);
  expect(pools.of(login).load()).toEqual({ running: 0, waiting: 0 });
});

it('who leaves while waiting is waited for no longer, and what runs for them is ended', async () => {
  const askers = Array.from({ length: 20 }, () => asker('leaving'));
  const running = askers.map((by) =>
    pools
      .of(login)
      .query("select 'left behind', pg_sleep(30)::text", [], false, by)
      .catch((error) => error),
  );
  const ours = await sqlAs('thames-valley-police');
  const active = async () => {
    const text =
      "select count(*)::int as n from pg_stat_activity where query like '%left behind%' and state = 'active' and pid <> pg_backend_pid()";
    return (await ours.query(text)).rows[0].n as number;
  };
  await expect.poll(active).toBe(LIMITS.connectionsPerUser);
  for (const by of askers) leave(by);
  await Promise.all(running);
  expect(pools.of(login).load()).toEqual({ running: 0, waiting: 0 });
  const again = await pools.of(login).query("select 'here' as word", [], false, asker('another'));
  expect(again[0]?.word).toBe('here');
  await expect.poll(active).toBe(0);
  await ours.end();
});
