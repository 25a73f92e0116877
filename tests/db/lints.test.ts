/**
 * What linters of PostgreSQL access rules ask of a schema, asked of ours. The questions are those that supabase's splinter asks (its lints
 * 0001, 0003, 0004, 0006 to 0011, 0013, 0014, 0016, 0017, 0024, 0028 and 0029, https://github.com/supabase/splinter), put in our own words for a
 * schema whose callers are logins.
 */
import type pg from 'pg';
import pgDriver from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { AGENCIES, isPersonal } from '../../src/access/classes.ts';
import { classifiedTables } from '../../src/db/classified.ts';
import '../../src/modules/tables.ts';
import { ownDatabase, serverOf, sqlAsOwner } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let database: string;
/** By what the roles are named. */
let logins: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_lints');
  owner = await sqlAsOwner(ownerUrl);
  database = new URL(ownerUrl).pathname.slice(1);
  logins = serverOf(ownerUrl).logins as string;
});
afterAll(() => owner.end());

/** The names that a question finds. */
const found = async (sql: string): Promise<string[]> => (await owner.query<{ name: string }>(sql)).rows.map(({ name }) => name);
const TABLE = `pg_class c where c.relnamespace = 'fsp'::regnamespace and c.relkind in ('r', 'p')`;

describe('what follows a change', () => {
  it('grants are written anew when any table changes that they are worked out from', async () => {
    // What is written there itself; who asks; and an adoption, which is recorded with the restriction that opens it to named users.
    const others = ['family_grant', 'person_grant', 'user_focus', 'user_rule', 'login', 'organisation', 'person', 'adoption'];
    const read = await found(
      `select distinct m[1] as name from pg_proc p cross join regexp_matches(p.prosrc, '(?:from|join)\\s+fsp\\.([a-z_]+)', 'g') m
       where p.pronamespace = 'fsp'::regnamespace and p.proname = any (array['rebuild_grants', 'is_restricted'])
         and to_regclass('fsp.' || m[1]) is not null`,
    );
    const followed = await found(
      `select distinct c.relname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
       where c.relnamespace = 'fsp'::regnamespace and t.tgname like 'grants\\_%'`,
    );
    expect(read).toContain('involvement');
    const forgotten = read.filter((name) => !others.includes(name) && !followed.includes(name));
    expect(forgotten, 'read by fsp.rebuild_grants, and no trigger of src/access/grants.sql follows it').toEqual([]);
  });
  it('whatever belongs to an intervention and names its worker is handed over with it', async () => {
    const { rows } = await owner.query(
      "select prosrc from pg_proc where proname = 'follow_progress' and pronamespace = 'fsp'::regnamespace",
    );
    const named = await found(
      `select a.attrelid::regclass::text as name from pg_attribute a join pg_attribute w on w.attrelid = a.attrelid and w.attname = 'worker'
       join ${TABLE.replace('where', 'on c.oid = a.attrelid where')} and a.attname = 'intervention' and not a.attisdropped`,
    );
    expect(named.length).toBeGreaterThan(6);
    const word = (name: string) => new RegExp(`\\b${name.replace(/^fsp\./, '')}\\b`);
    expect(named.filter((name) => name !== 'fsp.intervention_progress' && !word(name).test(rows[0].prosrc))).toEqual([]);
  });
});

describe('tables', () => {
  it('have row-level security, for their owner as well, unless nobody is in them; those no login writes', async () => {
    const bare = await found(`select c.relname as name from ${TABLE} and not (c.relrowsecurity and c.relforcerowsecurity)`);
    const public_ = classifiedTables()
      .filter(({ dataClass }) => dataClass === 'DIRECTORY')
      .map(({ name }) => name);
    expect(bare.filter((name) => !public_.includes(name)).sort()).toEqual(['access_state', 'migration']);
    const { rows } = await owner.query(
      `select distinct c.relname, a.grantee::regrole::text as role, a.privilege_type as verb from pg_class c cross join aclexplode(c.relacl) a
       where c.relnamespace = 'fsp'::regnamespace and c.relname = any ($1) and a.grantee <> c.relowner and a.privilege_type <> 'SELECT'`,
      [bare],
    );
    expect(rows).toEqual([]);
  });
  it('have policies where they have row-level security; months of the disclosure record are read through the whole table alone', async () => {
    const policies = 'exists (select from pg_policy p where p.polrelid = c.oid)';
    expect(await found(`select c.relname as name from ${TABLE} and c.relrowsecurity and not c.relispartition and not ${policies}`)).toEqual(
      [],
    );
    expect(await found(`select c.relname as name from ${TABLE} and not c.relrowsecurity and ${policies}`)).toEqual([]);
    expect(await found(`select c.relname as name from ${TABLE} and c.relispartition and ${policies}`)).toEqual([]);
  });
  it('have one policy for each role and verb', async () => {
    expect(
      await found(
        `select concat_ws(' ', p.polrelid::regclass, r.role::regrole, p.polcmd) as name from pg_policy p cross join unnest(p.polroles) as r (role)
         where p.polpermissive group by p.polrelid, r.role, p.polcmd having count(*) > 1`,
      ),
    ).toEqual([]);
  });
  it('give everything to nobody but their owner, and to no login to write', async () => {
    expect(
      await found(
        `select concat_ws(' ', tablename, policyname) as name from pg_policies
         where schemaname = 'fsp' and cmd <> 'SELECT' and policyname <> 'owner_all' and (qual = 'true' or (with_check = 'true' and tablename <> 'disclosure'))`,
      ),
    ).toEqual([]);
    const people = classifiedTables()
      .filter(({ dataClass }) => isPersonal(dataClass))
      .map(({ name }) => name);
    const open = await owner.query(
      `select tablename from pg_policies where schemaname = 'fsp' and policyname <> 'owner_all' and qual = 'true' and tablename = any ($1)`,
      [people],
    );
    expect(open.rows).toEqual([]);
  });
  it('are asked who asks once for a statement, not for each row', async () => {
    expect(
      await found(
        String.raw`select concat_ws(' ', tablename, policyname) as name from pg_policies where schemaname = 'fsp'
          and regexp_replace(concat_ws(' ', qual, with_check), '\( SELECT (fsp\.)?(\w+)\(\) AS \2\)', '', 'g')
            ~ '(current_login|current_organisation|current_setting|session_user|current_user)'`,
      ),
    ).toEqual([]);
  });
  it('have a key, but for what is made of others', async () => {
    expect(
      (
        await found(
          `select c.relname as name from ${TABLE} and not c.relispartition and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p')`,
        )
      ).sort(),
    ).toEqual(['family_grant', 'person_grant', 'user_rule']);
  });
  it('have no index twice, and none that is broken', async () => {
    expect(
      await found(
        `select min(i.indexrelid::regclass::text) as name from pg_index i join pg_class c on c.oid = i.indrelid
         where c.relnamespace = 'fsp'::regnamespace and not c.relispartition
         group by i.indrelid, i.indkey::text, i.indclass::text, i.indoption::text, coalesce(pg_get_expr(i.indexprs, i.indrelid), ''),
           coalesce(pg_get_expr(i.indpred, i.indrelid), ''), (select a.amname from pg_class x join pg_am a on a.oid = x.relam where x.oid = i.indexrelid)
         having count(*) > 1`,
      ),
    ).toEqual([]);
    expect(
      await found(
        `select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indrelid
         where c.relnamespace = 'fsp'::regnamespace and not (i.indisvalid and i.indisready)`,
      ),
    ).toEqual([]);
  });
  it('that many rows hang on are found by an index; foreign keys without one are told', async () => {
    const bare = await found(
      `select k.conrelid::regclass || ' (' || (select string_agg(a.attname, ', ' order by n.at) from unnest(k.conkey) with ordinality n (col, at)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.col) || ')' as name
       from pg_constraint k where k.connamespace = 'fsp'::regnamespace and k.contype = 'f'
         and not exists (select from pg_index i where i.indrelid = k.conrelid and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)
       order by 1`,
    );
    // Organisations are not deleted, and nobody looks for a row by its controller: an index of each would be paid at every write.
    process.stdout.write(`${bare.length} foreign keys without an index of their own.\n`);
    for (const hangs of [
      'workbook_entry_person (entry)',
      'workbook_reading (entry)',
      'household_member (household)',
      'contact_child (contact)',
    ])
      expect(bare).not.toContain(`fsp.${hangs}`);
  });
});

describe('functions, views, extensions', () => {
  it('every function has its search path pinned, or its names settled when it was made, but for the one that is inlined and names all it uses', async () => {
    expect(
      await found(
        `select p.proname as name from pg_proc p where p.pronamespace = 'fsp'::regnamespace and p.prosqlbody is null
           and not exists (select from unnest(p.proconfig) c where c like 'search_path=%')`,
      ),
    ).toEqual(['current_login']);
  });
  it('none runs as its owner with a path that somebody else could fill', async () => {
    expect(
      await found(
        `select p.proname as name from pg_proc p where p.pronamespace = 'fsp'::regnamespace and p.prosecdef
           and not 'search_path=pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))`,
      ),
    ).toEqual([]);
  });
  it('what runs as its owner is not for everybody, but for what policies ask of the asker’s own login', async () => {
    const open = await found(
      `select p.proname as name from pg_proc p where p.pronamespace = 'fsp'::regnamespace and p.prosecdef
         and has_function_privilege('public', p.oid, 'execute') order by 1`,
    );
    const policies = (await found("select concat_ws(' ', qual, with_check) as name from pg_policies where schemaname = 'fsp'")).join(' ');
    const asked = open.filter((name) => policies.includes(`fsp.${name}(`) || policies.includes(` ${name}(`));
    expect(asked.length).toBeGreaterThan(3);
    expect(open.filter((name) => !asked.includes(name))).toEqual([]);
  });
  it('there is no view, materialised view or foreign table that would read as its owner', async () => {
    expect(
      await found(
        `select c.relname as name from pg_class c where c.relnamespace in ('fsp'::regnamespace, 'public'::regnamespace) and (c.relkind in ('m', 'f')
           or c.relkind = 'v' and not coalesce(c.reloptions, '{}') && array['security_invoker=true', 'security_invoker=on'])`,
      ),
    ).toEqual([]);
  });
  it('there is no extension where callers resolve names, and everybody may create nothing', async () => {
    expect(
      await found(
        `select e.extname as name from pg_extension e where e.extnamespace in ('fsp'::regnamespace, 'public'::regnamespace) and e.extname not in ('btree_gist', 'pg_trgm')`,
      ),
    ).toEqual([]);
    expect(
      await found(
        `select n.nspname as name from pg_namespace n where n.nspname in ('fsp', 'public') and has_schema_privilege('public', n.oid, 'create')`,
      ),
    ).toEqual([]);
  });
});

describe('privileges, by pgTAP', () => {
  let admin: pg.Client;
  let there = false;
  beforeAll(async () => {
    const url = new URL(process.env.TEST_SUPERUSER_URL ?? inject('creatorUrl'));
    url.pathname = `/${database}`;
    admin = new pgDriver.Client({ connectionString: url.toString() });
    await admin.connect();
    const { rows } = await admin.query(
      `select exists (select from pg_available_extensions where name = 'pgtap') as available, (select rolsuper from pg_roles where rolname = current_user) as super`,
    );
    there = rows[0].available && rows[0].super;
    if (there) await admin.query('create schema tap; create extension pgtap schema tap; set search_path = tap, fsp, pg_catalog');
    else
      process.stdout.write(
        `Privilege checks by pgTAP were left out: ${rows[0].available ? 'nobody here may create it' : 'it is not installed'}.\n`,
      );
  });
  afterAll(() => admin.end());

  /** Runs assertions; their results as pgTAP tells them, those that failed. */
  async function failures(assertions: string[]): Promise<string[]> {
    await admin.query('begin');
    await admin.query('select * from no_plan()');
    const failed: string[] = [];
    for (let from = 0; from < assertions.length; from += 100) {
      const { rows } = await admin.query<{ told: string }>(
        `select unnest(array[${assertions.slice(from, from + 100).join(', ')}]) as told`,
      );
      failed.push(...rows.map(({ told }) => told).filter((told) => !told.startsWith('ok ')));
    }
    await admin.query('rollback');
    return failed;
  }
  const agencyRole = (agency: string) => `${logins}_agency_${agency.toLowerCase()}`;

  it('an evaluator has none on any table of people, and nobody deletes or truncates', async ({ skip }) => {
    if (!there) skip();
    const assertions = classifiedTables().flatMap(({ name, dataClass }) => [
      ...(isPersonal(dataClass) ? [`table_privs_are('fsp', '${name}', '${agencyRole('EVALUATOR')}', array[]::text[])`] : []),
      ...AGENCIES.flatMap((agency) =>
        ['DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES'].map(
          (verb) => `ok(not has_table_privilege('${agencyRole(agency)}', 'fsp.${name}', '${verb}'), '${agency} ${verb} ${name}')`,
        ),
      ),
    ]);
    expect(await failures(assertions)).toEqual([]);
  });
  it('nobody reads what only the database itself uses; the recorder adds to the record and reads nothing of people', async ({ skip }) => {
    if (!there) skip();
    const machinery = ['earlier', 'kept_from_lift', 'merge_kept_from', 'adoption', 'access_look', 'notice_delay'];
    const assertions = [
      ...machinery.flatMap((name) =>
        [...AGENCIES.map(agencyRole), `${logins}_gate`, `${logins}_recorder`].map(
          (role) => `table_privs_are('fsp', '${name}', '${role}', array[]::text[])`,
        ),
      ),
      ...classifiedTables()
        .filter(({ dataClass }) => isPersonal(dataClass))
        .flatMap(({ name }) =>
          [`${logins}_gate`, `${logins}_recorder`].map((role) => `table_privs_are('fsp', '${name}', '${role}', array[]::text[])`),
        ),
      ...AGENCIES.map((agency) => `schema_privs_are('fsp', '${agencyRole(agency)}', array['USAGE'])`),
      `is_definer('fsp', 'rebuild_grants', array['bigint[]', 'bigint[]'])`,
      ...AGENCIES.map(
        (agency) => `function_privs_are('fsp', 'rebuild_grants', array['bigint[]', 'bigint[]'], '${agencyRole(agency)}', array[]::text[])`,
      ),
    ];
    expect(await failures(assertions)).toEqual([]);
  });
});
