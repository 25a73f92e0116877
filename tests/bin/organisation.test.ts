/** What an operator does: organisations, clients, users, revoked tokens, while a server is up. */
import { decodeJwt } from 'jose';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { PURPOSE_NAMES } from '../../src/access/agreement.ts';
import { organisation as perform } from '../../src/bin/organisation-verbs.ts';
import { CLIENTS } from '../../src/db/personas.ts';
import { scopesOf } from '../../src/db/provision.ts';
import { environment, oneLine, type Ran, run } from '../support/command.ts';
import {
  type Caller,
  encodeId,
  LOGIN_SECRET,
  preparedDatabase,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await preparedDatabase('fsp_organisation');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

/** What the command does and says, in this process: a process for each of these would take the test's time. */
async function commandLine(args: string[], extra: Record<string, string> = {}): Promise<Ran> {
  try {
    const { usage, text } = await perform(args, environment({ DATABASE_URL: ownerUrl, LOGIN_SECRET, ...extra }));
    return usage ? { code: 2, out: '', err: `${text}\n` } : { code: 0, out: `${text}\n`, err: '' };
  } catch (error) {
    return { code: 1, out: '', err: `${(error as Error).message}\n` };
  }
}
const organisation = (...args: string[]) => commandLine(args);

/** A verb that must do its work: what it printed. */
async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await organisation(...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

/** Everything that the command may write, to see that nothing of it changed. */
async function written(): Promise<unknown> {
  const tables = ['organisation', 'login', 'client', 'app_user', 'sealed_user', 'revoked_token'];
  const { rows } = await owner.query(
    tables.map((table) => `select '${table}' as "table", to_jsonb(t)::text as row from fsp.${table} t`).join(' union all ') +
      ' order by 1, 2',
  );
  const roles = await owner.query("select rolname from pg_roles where starts_with(rolname, 'fsp_organisation_') order by 1");
  return [rows, roles.rows];
}

const ADD = ['add', '--code', 'heron-trust', '--name', 'Heron Community Trust', '--agency', 'HEALTH'];
const CLIENT = ['client', 'add', '--organisation', 'heron-trust', '--id', 'heron-visiting', '--name', 'Heron visiting'];
const OPENED = ['--purposes', 'SAFEGUARDING,EARLY_HELP', '--scopes', 'family:read', '--default-purpose', 'SAFEGUARDING'];
const USER = ['--organisation', 'heron-trust', '--subject', 'ivy.marsh'];

const client: Caller = { client: 'heron-visiting', organisation: 'heron-trust', scopes: ['family:read'] };
const user: Caller = { ...client, user: 'ivy.marsh' };

const FAMILY = encodeId('Family', 1);
const status = async (caller: Caller) => (await server.ask(caller, '{ viewer { organisation } }')).status;
/** The server hears of a change a moment after it was made. */
const becomes = (caller: Caller, expected: number) => expect.poll(() => status(caller), { timeout: 5000 }).toBe(expected);
const family = async (caller: Caller) =>
  (await server.ask(caller, `{ family(id: "${FAMILY}") { id name } }`)).body.data?.family?.id ?? null;
const seen = async (sealed: boolean) => {
  const sql = await sqlAs('heron-trust', sealed, ownerUrl);
  try {
    return (await sql.query('select (select count(*)::int from fsp.family) as families, (select count(*)::int from fsp.person) as people'))
      .rows[0];
  } finally {
    await sql.end();
  }
};

describe('the usage', () => {
  it.each([[['--help']], [['add', '--help']], [[]], [['client']], [['remove', '--code', 'occ']], [['constructor']]])(
    'is printed for %j',
    async (args) => {
      const { code, out, err } = await organisation(...args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      for (const verb of ['add', 'list', 'client add', 'client disable', 'user seal', 'token revoke'])
        expect(err).toMatch(new RegExp(`^  ${verb}( |$)`, 'm'));
      expect(err).not.toMatch(/ at .*\.ts/);
    },
  );
});

describe('an organisation', () => {
  it.each([
    ['no code', ['add', '--name', 'X', '--agency', 'HEALTH'], 'Say --code'],
    ['an option there is not', [...ADD, '--colour', 'red'], '--colour'],
    ['a bad code', ['add', '--code', 'Heron Trust', '--name', 'X', '--agency', 'HEALTH'], 'code: must be at most 30 of a-z, 0-9 and -'],
    ['no name', ['add', '--code', 'heron-trust', '--name', ' ', '--agency', 'HEALTH'], 'name: must not be empty'],
    ['an unknown agency', ['add', '--code', 'heron-trust', '--name', 'X', '--agency', 'PRESS'], 'There is no agency PRESS; there are LA,'],
    ['an unknown district', [...ADD, '--district', 'E07999999'], 'There is no district E07999999; there are E07000177,'],
    ['an unknown kind', [...ADD, '--kind', 'press'], 'There is no kind press; there are '],
    ['an unknown parent', [...ADD, '--parent', 'nowhere'], 'There is no organisation nowhere'],
    ['a kind that nobody can guess', ['add', '--code', 'x', '--name', 'X', '--agency', 'DISTRICT'], 'Say --kind'],
    ["another agency's code", ['add', '--code', 'turning-point', '--name', 'X', '--agency', 'HEALTH'], 'of the agency PROVIDER'],
    ['a code taken under another name', ['add', '--code', 'occ', '--name', 'X', '--agency', 'LA'], 'name: Oxfordshire County Council'],
    ["the database owner's login", ['add', '--code', 'owner', '--name', 'X', '--agency', 'HEALTH'], 'fsp_organisation_owner is there'],
    ["the gate's login", ['add', '--code', 'gate', '--name', 'X', '--agency', 'HEALTH'], 'fsp_organisation_gate is there already'],
  ])('is refused with %s, in one line, and nothing is changed', async (_why, args, words) => {
    const before = await written();
    const { code, out, err } = await organisation(...args);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: oneLine });
    expect(err).toContain(words);
    expect(await written()).toEqual(before);
  });

  it('is refused with another LOGIN_SECRET than the servers have', async () => {
    const before = await written();
    expect(await commandLine(ADD, { LOGIN_SECRET: `${LOGIN_SECRET}, another` })).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(/^LOGIN_SECRET is not [^\n]*\n$/),
    });
    expect(await written()).toEqual(before);
  });

  it('leaves nothing, and no role, when its connection is killed between the row and its logins', async () => {
    const before = await written();
    const other = await sqlAsOwner(ownerUrl);
    await other.query('begin; lock table fsp.login in access exclusive mode');
    const adding = commandLine(ADD);
    const waits = `select pid from pg_stat_activity where datname = current_database() and usename = current_user and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await owner.query(waits)).rowCount).toBe(1);
    await owner.query(`select pg_terminate_backend(pid) from (${waits}) killed`);
    expect(await adding).toEqual({ code: 1, out: '', err: oneLine });
    await other.query('rollback');
    await other.end();
    expect(await written()).toEqual(before);
  });

  it('is added with its logins, which see nobody; and a second time nothing is changed', async () => {
    const said = await done(...ADD);
    expect(said).toContain(
      'with the logins fsp_organisation_heron-trust, fsp_organisation_heron-trust_sealed, fsp_organisation_heron-trust_emergency',
    );
    expect(said).toContain('(heron-trust, HEALTH, nhs-trust)');
    expect([await seen(false), await seen(true)]).toEqual(Array(2).fill({ families: 0, people: 0 }));
    const before = await written();
    expect(await done(...ADD)).toMatch(/is there already .* Nothing was changed\.\n$/);
    expect(await written()).toEqual(before);
  });

  it('is its agency alone, whatever a login of that name was before', async () => {
    const role = 'fsp_organisation_ibis-trust';
    const add = ['add', '--code', 'ibis-trust', '--name', 'Ibis Trust', '--agency', 'HEALTH', '--district', 'E07000177'];
    await owner.query(`create role "${role}"; grant fsp_organisation_agency_police to "${role}"`);
    await done(...add);
    const { rows } = await owner.query(
      'select g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = $1::regrole',
      [`"${role}"`],
    );
    expect(rows).toEqual([{ rolname: 'fsp_organisation_agency_health' }]);
  });

  it('is refused where a login of that name is of another agency by somebody else than the owner', async () => {
    const superuser = await sqlAsOwner(inject('superuserUrl'));
    try {
      await owner.query('create role "fsp_organisation_egret-trust"');
      const police = 'fsp_organisation_agency_police';
      await superuser.query(`grant ${police} to "fsp_organisation_egret-trust" granted by current_user`);
      const { rows } = await owner.query("select current_setting('server_version_num')::int as version");
      const before = await written();
      const { code, err } = await organisation('add', '--code', 'egret-trust', '--name', 'Egret Trust', '--agency', 'HEALTH');
      // To PostgreSQL 15 the owner takes away what anybody gave.
      if (rows[0].version < 160_000) return expect(code).toBe(0);
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('is of another agency as well') });
      expect(await written()).toEqual(before);
    } finally {
      await superuser.end();
    }
  });

  it('is still there, and still works, after a migration', async () => {
    expect(await run('db-migrate', [], { DATABASE_URL: ownerUrl, LOGIN_SECRET })).toMatchObject({ code: 0 });
    expect(await seen(false)).toEqual({ families: 0, people: 0 });
  });
});

describe('a client', () => {
  it.each([
    ['no purposes', CLIENT, 'Say --purposes'],
    ['an empty list of purposes', [...CLIENT, '--purposes', ', ', '--scopes', ''], 'A client needs a purpose; there are SAFEGUARDING,'],
    [
      'an unknown purpose',
      [...CLIENT, '--purposes', 'MARKETING', '--scopes', ''],
      'There is no purpose MARKETING; there are SAFEGUARDING,',
    ],
    [
      'an unknown scope',
      [...CLIENT, '--purposes', 'EARLY_HELP', '--scopes', 'all'],
      'There is no scope all for HEALTH; there are family:read,',
    ],
    [
      'a scope that opens its agency nothing',
      [...CLIENT, '--purposes', 'EARLY_HELP', '--scopes', 'workbook:write'],
      'no scope workbook:write',
    ],
    [
      'a default that is not its purpose',
      [...CLIENT, ...OPENED.slice(0, 4), '--default-purpose', 'EMERGENCY'],
      'default purpose EMERGENCY',
    ],
    [
      "a purpose without the purpose's role",
      [...CLIENT, '--purposes', 'SUBJECT_ACCESS', '--scopes', 'family:read'],
      'role:information-governance',
    ],
    ['an unknown organisation', [...CLIENT, ...OPENED, '--organisation', 'nowhere'], 'There is no organisation nowhere'],
    ['an id that is no id', [...CLIENT, ...OPENED, '--id', ' '], 'id: must be one to 200 characters'],
    ["another client's id", [...CLIENT, ...OPENED, '--id', 'occ-analyst'], 'organisation: occ'],
  ])('is refused with %s, in one line', async (_why, args, words) => {
    const before = await written();
    const { code, out, err } = await organisation(...args);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: oneLine });
    expect(err).toContain(words);
    expect(await written()).toEqual(before);
  });

  it.each(['enable', 'disable'])('that is not there is not to %s', async (verb) => {
    expect(await organisation('client', verb, '--id', 'nobody')).toEqual({ code: 1, out: '', err: oneLine });
    expect(await organisation('client', verb)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('Say --id') });
  });

  it('is heard of by a running server: added, disabled, enabled', async () => {
    expect(await status(client)).toBe(401);
    const said = await done(...CLIENT, ...OPENED);
    for (const words of ['at+jwt', 'client_id      heron-visiting', 'organisation   heron-trust', 'scope          family:read', 'aud '])
      expect(said).toContain(words);
    await becomes(client, 200);
    expect(await done('client', 'disable', '--id', 'heron-visiting')).toBe('Disabled the client heron-visiting.\n');
    await becomes(client, 401);
    expect(await done('client', 'disable', '--id', 'heron-visiting')).toMatch(/was disabled already\. Nothing was changed\.\n$/);
    expect(await done(...CLIENT, ...OPENED)).toContain('is there already. It is disabled. Nothing was changed.');
    expect(await status(client)).toBe(401);
    expect(await done('client', 'list', '--organisation', 'heron-trust')).toMatch(/heron-visiting +heron-trust +disabled/);
    await done('client', 'enable', '--id', 'heron-visiting');
    await becomes(client, 200);
    const honours = (restrictions: string) => organisation('client', 'honours', '--id', 'heron-visiting', '--restrictions', restrictions);
    expect(await honours('on')).toMatchObject({ code: 0, out: 'From now on the client heron-visiting honours restrictions.\n' });
    expect((await honours('on')).out).toMatch(/written already .+ Nothing was changed\.\n$/);
    expect((await honours('off')).out).toContain('does not honour restrictions');
    expect(await honours('perhaps')).toMatchObject({ code: 1, err: expect.stringContaining('Say --restrictions on') });
  });

  it('is told what its identity provider has, where the server has one', async () => {
    const identity = { JWKS_URL: 'https://login.example/keys', ISSUER: 'https://login.example/', AUDIENCE: 'https://api.example/' };
    const { out } = await commandLine([...CLIENT, ...OPENED], identity);
    expect(out).toMatch(/ iss +https:\/\/login\.example\/\n/);
    expect(out).toMatch(/ aud +https:\/\/api\.example\/\n/);
  });

  it('sees the families with which its organisation is involved, and no others', async () => {
    expect(await family(client)).toBeNull();
    await owner.query(
      `insert into fsp.involvement (family, controller, organisation, role, "from")
       select 1, 1, id, 'health-visitor', now() - interval '1 minute' from fsp.organisation where code = 'heron-trust'`,
    );
    expect(await seen(false)).toMatchObject({ families: 1 });
    expect(await family(client)).toBe(FAMILY);
  });
});

describe('a user', () => {
  it.each([
    ['add', ['--name', 'Ivy Marsh', '--organisation', 'nowhere'], 'There is no organisation nowhere'],
    ['add', [], 'Say --name'],
    ['add', ['--name', 'Ivy Marsh', '--subject', ''], 'subject: must be one to 200 characters'],
    ['enable', ['--subject', 'nobody'], 'nobody is no user of heron-trust'],
    ['disable', ['--subject', 'nobody'], 'nobody is no user of heron-trust'],
    ['seal', ['--subject', 'nobody'], 'nobody is no user of heron-trust'],
    ['unseal', ['--organisation', 'nowhere'], 'There is no organisation nowhere'],
  ])('is refused: user %s %j', async (verb, args, words) => {
    const before = await written();
    const { code, out, err } = await organisation('user', verb, ...USER, ...args);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: oneLine });
    expect(err).toContain(words);
    expect(await written()).toEqual(before);
  });

  it('is heard of by a running server: added, disabled, enabled', async () => {
    expect(await status(user)).toBe(401);
    const add = ['user', 'add', ...USER, '--name', 'Ivy Marsh'];
    expect(await done(...add)).toBe('Added the user ivy.marsh of heron-trust.\n');
    await becomes(user, 200);
    expect(await done(...add)).toMatch(/is there already\. Nothing was changed\.\n$/);
    expect(await organisation('user', 'add', ...USER, '--name', 'Ivy March')).toMatchObject({ code: 1, err: oneLine });
    await done('user', 'disable', ...USER);
    await becomes(user, 401);
    await done('user', 'enable', ...USER);
    await becomes(user, 200);
  });

  it('who is named sees the restricted records of their organisation, and nobody else does', async () => {
    await owner.query('update fsp.family set restricted = true where id = 1');
    expect([await family(user), await family(client)]).toEqual([null, null]);
    expect(await done('user', 'seal', ...USER)).toBe('ivy.marsh of heron-trust is now a named user of restricted records.\n');
    await expect.poll(() => family(user), { timeout: 5000 }).toBe(FAMILY);
    expect(await family(client)).toBeNull();
    expect(await done('user', 'list', '--organisation', 'heron-trust')).toMatch(/ivy\.marsh +enabled +named user +Ivy Marsh/);
    await done('user', 'unseal', ...USER);
    await expect.poll(() => family(user), { timeout: 5000 }).toBeNull();
    expect(await done('user', 'unseal', ...USER)).toMatch(/already\. Nothing was changed\.\n$/);
    await owner.query('update fsp.family set restricted = false where id = 1');
  });
});

describe('a token', () => {
  it.each([
    ['without an id', [], 'Say --jti'],
    ['with an empty id', ['--jti', ''], 'jti: must be one to 200 characters'],
    ['until what is no time', ['--jti', 'x', '--until', 'tomorrow'], 'until: must be a time like '],
    ['until the past', ['--jti', 'x', '--until', '2020-01-31'], 'until: must be in the future'],
  ])('is not revoked %s', async (_why, args, words) => {
    const { code, out, err } = await organisation('token', 'revoke', ...args);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: oneLine });
    expect(err).toContain(words);
  });

  it('that is revoked is refused by a running server; the next one is not', async () => {
    const revoked = { ...client, scopes: [] };
    expect([await status(revoked), await status(client)]).toEqual([200, 200]);
    const jti = String(decodeJwt(await server.token(revoked)).jti);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect(await done('token', 'revoke', '--jti', jti, '--until', until)).toContain(
      `Revoked the token ${jti}; it would have ended by ${until}`,
    );
    await becomes(revoked, 401);
    expect(await status(client)).toBe(200);
    expect(await done('token', 'revoke', '--jti', jti)).toMatch(/was revoked already\. Nothing was changed\.\n$/);
  });
});

it('list counts clients and users', async () => {
  const lines = (await done('list')).split('\n').map((line) => line.split(/\s{2,}/));
  expect(lines[0]).toEqual(['code', 'agency', 'clients', 'users', 'name']);
  expect(lines).toContainEqual(['heron-trust', 'HEALTH', '1', '1', 'Heron Community Trust']);
  expect(lines).toContainEqual(['turning-point', 'PROVIDER', '3', '12', 'Turning Point']);
  expect(await organisation('client', 'list', '--organisation', 'nowhere')).toEqual({ code: 1, out: '', err: oneLine });
  expect(await organisation('user', 'list')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('Say --organisation') });
});

it('a webhook is registered for a client, also inside the network where that is named, and stopped', async () => {
  const of = ['--client', 'occ-record-system', '--purpose', 'RECORD_SYNC', '--url', 'http://records.internal:8080/changed'];
  const unnamed = await organisation('webhook', 'add', ...of);
  expect(unnamed).toEqual({ code: 1, out: '', err: oneLine });
  expect(unnamed.err).toContain('WEBHOOK_HOSTS');
  const named = { WEBHOOK_HOSTS: 'records.internal:8080' };
  for (const bad of [
    [...of.slice(2), '--client', 'nobody'],
    [...of.slice(0, 2), '--purpose', 'GOVERNANCE', ...of.slice(4)],
    [...of, '--types', 'FAMILY,TOE'],
  ])
    expect(await commandLine(['webhook', 'add', ...bad], named), bad.join(' ')).toEqual({ code: 1, out: '', err: oneLine });
  const { out } = await commandLine(['webhook', 'add', ...of, '--types', 'FAMILY,PLAN'], named);
  const secret = /^Registered the webhook 1 of occ-record-system\.\nIts secret: (whsec_\S{44})\n$/.exec(out)?.[1];
  expect(await done('webhook', 'secret', '--id', '1')).toBe(`Its secret: ${secret}\n`);
  expect(await done('webhook', 'disable', '--id', '1')).toBe('Disabled the webhook 1.\n');
  expect(await done('webhook', 'disable', '--id', '1')).toContain('Nothing was changed.');
  expect((await done('webhook', 'list')).split('\n')[1]?.split(/\s{2,}/)).toEqual([
    '1',
    'occ',
    'occ-record-system',
    'RECORD_SYNC',
    'disabled',
    '0',
    '0',
    'http://records.internal:8080/changed',
  ]);
  expect(await done('webhook', 'enable', '--id', '1')).toBe('Enabled the webhook 1.\n');
  for (const verb of ['enable', 'secret'])
    expect(await organisation('webhook', verb, '--id', '99')).toEqual({ code: 1, out: '', err: 'There is no webhook 99.\n' });
});

it('a feed is registered with an address, or to be pushed in, and what comes next is said', async () => {
  const of = ['--organisation', 'cherwell-leisure', '--district', 'E07000177'];
  const pulled = await done('feed', 'add', ...of, '--code', 'pulled', '--url', 'https://services.example.gov.uk/open-referral');
  expect(pulled).toContain('npm run directory:pull -- --feed pulled pulls it.');
  const pushed = await done('feed', 'add', ...of, '--code', 'pushed');
  expect(pushed).toContain('publishServices');
  expect(pushed).not.toContain('directory:pull');
});

it('what the demonstration gives its clients, an operator could give them', async () => {
  const { rows } = await owner.query('select code, agency from fsp.organisation');
  const agencies = new Map(rows.map(({ code, agency }) => [code, agency]));
  for (const { organisation: code, purposes, scopes } of CLIENTS) {
    expect(PURPOSE_NAMES).toEqual(expect.arrayContaining(purposes));
    expect(scopesOf(agencies.get(code))).toEqual(expect.arrayContaining(scopes));
  }
});

describe('as a process', () => {
  const own = () => ({ DATABASE_URL: ownerUrl, LOGIN_SECRET });

  it('says what it did, how it is used, and what is wrong', async () => {
    const [did, unknown, wrong] = await Promise.all([
      run('organisation', ['client', 'list'], own()),
      run('organisation', ['remove'], own()),
      run('organisation', ['client', 'enable', '--id', 'nobody'], own()),
    ]);
    expect(did).toEqual({ code: 0, out: expect.stringContaining('heron-visiting'), err: '' });
    expect(unknown).toEqual({ code: 2, out: '', err: expect.stringMatching(/^npm run organisation -- <verb>/) });
    expect(wrong).toEqual({ code: 1, out: '', err: oneLine });
  });

  it('says in one line that there is no database, or one of another version', async () => {
    const nowhere = { DATABASE_URL: 'postgres://owner:secret@localhost:1/nowhere', LOGIN_SECRET };
    expect(await run('organisation', ['list'], nowhere)).toEqual({ code: 1, out: '', err: expect.stringMatching(/^connect E[^\n]+\n$/) });
    await owner.query("update fsp.access_state set grants = 'another'");
    expect(await organisation('list')).toEqual({ code: 1, out: '', err: expect.stringContaining('run "npm run db:migrate"') });
    await owner.query('drop table fsp.access_state');
    expect(await organisation('list')).toEqual({ code: 1, out: '', err: 'There are no tables yet: run "npm run db:migrate".\n' });
  });
});
