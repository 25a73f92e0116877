/**
 * Erasing a family's record: every table's rows of the family, and of those persons who belong to no other. What a table's rows
 * have to do with it follows from its columns and foreign keys, or is said here; a table of which neither is the case stops the
 * build, by its name (`erasingFaults`).
 */
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { isOfNobody, isPersonal } from '../access/classes.ts';
import { keyTo } from './belonging.ts';
import { classifiedTables, type TableClass } from './classified.ts';

const ours = 'of an application, a user or the machinery itself';
const staff = 'of those who work with families';
const record = 'the disclosure record outlives what it is about';
const FAMILY = '$1::bigint';
const PERSONS = '$2::bigint[]';
const erased = (table: string, key: string) => `exists (select from erased e where e.name = ${table} and e.key = ${key}::text)`;
/** The table of what a row is about, by the GraphQL type that it names. */
const table = (type: string) => `lower(regexp_replace(${type}, '([a-z0-9])([A-Z])', '\\1_\\2', 'g'))`;

/** Tables of which their columns do not say it all. */
const DECLARED: Record<string, { where: string } | { none: string }> = {
  client: { none: ours },
  app_user: { none: ours },
  revoked_token: { none: ours },
  team_member: { none: staff },
  sealed_user: { none: staff },
  idempotency: { none: 'keys, which are swept after a day' },
  // Who was shown what stays provable when what was shown is gone. It holds no values.
  disclosure: { none: record },
  disclosure_entry: { none: record },
  disclosure_family: { none: record },
  disclosure_chain: { none: record },
  erasure: { none: 'the record of what was erased' },
  record_run: { none: 'how many lines a batch had' },
  record_run_line: { where: `r.family = ${FAMILY}` },
  // Keys alone: who was shown a row is told that it is gone.
  feed_change: { none: 'that a row is gone is told to those who were shown it' },
  feed_seen: { none: record },
  feed_reader: { none: ours },
  figure_dirty: { none: ours },
  figure_key: { none: ours },
  extract: { none: 'what was made for whom; who is in it are its rows' },
  feed_state: { none: ours },
  webhook: { none: ours },
  webhook_event: { none: 'that a row is gone is told to those who were shown it' },
  voucher_redemption: { none: 'what a desk was told of a code: nobody is in it' },
  look_up: { none: 'whom it was about is not kept' },
  provider_month: { none: 'figures about a provider' },
  provider_month_tests: { none: 'figures about a provider' },
  individual_supervision: { none: staff },
  establishment: { none: staff },
  post: { none: staff },
  post_share: { none: staff },
  post_holding: { none: staff },
  training: { none: staff },
  confidence_answer: { none: staff },
  retraction: { where: `r.family = ${FAMILY} or r.persons && ${PERSONS}` },
  recall_notice: { where: erased(table('r.entity'), 'r.entity_id') },
  person_merge: { where: `array[r.merged, r.survivor] && ${PERSONS}` },
  adoption: { where: `r.person = any (${PERSONS})` },
  merge_kept_from: { where: `r.person = any (${PERSONS}) or ${erased('r.subject_table', 'r.row_key')}` },
  // A referral may name children of several families: it goes with the last of them.
  referral: {
    where:
      `exists (select from fsp.contact c where c.referral = r.id and c.family = ${FAMILY}) ` +
      `and not exists (select from fsp.contact c where c.referral = r.id and c.family is distinct from ${FAMILY})`,
  },
  information_request: {
    where: `r.about_family = ${FAMILY} or exists (select from fsp.contact c where c.id = r.contact and c.family = ${FAMILY})`,
  },
  housing_need: { where: `exists (select from fsp.housing_origin o where o.need = r.id and o.family = ${FAMILY})` },
  service_place: { where: erased('r.held_by', 'r.held_key') },
  housing_referral: { where: `r.about_family = ${FAMILY}` },
  outbox: { where: `r.family = ${FAMILY} or r.persons && ${PERSONS}` },
  earlier: {
    where: `r.was ->> 'family' = ${FAMILY}::text or r.was ->> 'person' = any (${PERSONS}::text[]) or ${erased('r.subject_table', 'r.row_key')}`,
  },
  kept_from_lift: { where: `r.person = any (${PERSONS}) or ${erased('r.subject_table', 'r.row_key')}` },
  match_candidate: {
    where: `case r.subject_table when 'family_name' then ${FAMILY} in (r.row_key, r.other) else array[r.row_key, r.other] && ${PERSONS} end`,
  },
  clock: { where: `r.family = ${FAMILY} or r.person = any (${PERSONS}) or ${erased(table('r.subject_type'), 'r.subject_id')}` },
};

/** Rows that name what they are about by words alone come after all that they may be about. */
const LAST = new Set([
  'service_place',
  'clock',
  'recall_notice',
  'merge_kept_from',
  'kept_from_lift',
  'earlier',
  'outbox',
  'match_candidate',
]);

type Part = { table: TableClass; name: string; where: string; key: string | null };

const primaryKey = (table: PgTable): string | null => getTableConfig(table).columns.find(({ primary }) => primary)?.name ?? null;

/** SQL of the rows of a table that go; null where it says why none do; undefined where nothing says it. */
function rowsOf(table: TableClass, all: TableClass[]): string | null | undefined {
  const declared = DECLARED[table.name];
  if (declared) return 'none' in declared ? null : declared.where;
  if (isOfNobody(table.dataClass)) return null;
  const ways: string[] = [];
  if (table.family) ways.push(`r.${table.family} = ${FAMILY}`);
  if (table.person) ways.push(`r.${table.person} = any (${PERSONS})`);
  if (!table.family || table.familyOptional) {
    for (const whole of all) {
      if (whole.table === table.table || whole.dataClass === 'DIRECTORY' || ['person', 'family'].includes(whole.name)) continue;
      const stays = DECLARED[whole.name];
      const key = stays && 'none' in stays ? undefined : keyTo(table, whole);
      if (key) ways.push(erased(`'${whole.name}'`, `r.${key}`));
    }
  }
  return ways.length > 0 ? ways.join(' or ') : undefined;
}

/** Every table that is forgotten, and every word about a table that is not there. */
export function erasingFaults(all: TableClass[] = classifiedTables()): string[] {
  const known = new Set(all.map(({ name }) => name));
  return [
    ...all.flatMap((table) =>
      rowsOf(table, all) === undefined
        ? [`${table.name}: nothing says which of its rows go with a family, or why none (src/db/erasing.ts).`]
        : [],
    ),
    ...Object.keys(DECLARED).flatMap((name) => (known.has(name) ? [] : [`${name}: there is no such table (src/db/erasing.ts).`])),
  ];
}

/** Columns of a table that name rows of another: which, and whether they may be empty. */
function references(table: PgTable): { column: PgColumn; to: PgTable }[] {
  return getTableConfig(table).foreignKeys.flatMap((foreign) => {
    const { columns, foreignTable } = foreign.reference();
    return columns.length === 1 ? [{ column: columns[0] as PgColumn, to: foreignTable }] : [];
  });
}

/** What is erased, those first on which nothing hangs. @throws naming the first table that is forgotten. */
export function erasing(all: TableClass[] = classifiedTables()): Part[] {
  const [fault] = erasingFaults(all);
  if (fault) throw new Error(fault);
  const parts = all.flatMap((table): Part[] => {
    const where = rowsOf(table, all);
    return typeof where === 'string' ? [{ table, name: table.name, where, key: primaryKey(table.table) }] : [];
  });
  const byTable = new Map(parts.map((part) => [part.table.table, part]));
  const sorted: Part[] = [];
  const seen = new Set<Part>();
  /** Puts a table behind all those that it names. */
  const visit = (part: Part) => {
    if (seen.has(part)) return;
    seen.add(part);
    for (const foreign of getTableConfig(part.table.table).foreignKeys) {
      const to = byTable.get(foreign.reference().foreignTable);
      if (to) visit(to);
    }
    sorted.push(part);
  };
  for (const part of parts) visit(part);
  const wholesFirst = sorted;
  return [...wholesFirst].reverse();
}

/**
 * What closes a record to others for somebody who belongs to another family as well, under this id or another of theirs, goes on closing
 * it there: their protected whereabouts and who is named with them at the county, and what is withheld about them.
 */
const STAYS = {
  involvement: `r.worker is not null and exists (select from fsp.organisation o where o.id = r.organisation and o.agency = 'LA')
    and exists (select from fsp.same_persons(array[r.person]) one join fsp.whereabouts_protection w on w.person = one.same)`,
  whereabouts_protection: 'true',
  sharing_decision: `r.effect = 'WITHHOLD'`,
};

async function moveOn(client: pg.Client, family: string): Promise<void> {
  for (const [name, which] of Object.entries(STAYS))
    await client.query(
      `update fsp.${name} r set family = elsewhere.family, person = elsewhere.person
       from (select distinct on (s.person) s.person as was, m.person, m.family
         from fsp.same_persons(array(select x.person from fsp.${name} x where x.family = $1 and x.person is not null)) s
         join fsp.membership m on m.person = s.same and m.family <> $1
         order by s.person, m.person <> s.person, coalesce(m.until, 'infinity') desc, m.family) elsewhere
       where r.family = $1 and r.person = elsewhere.was and ${which}`,
      [family],
    );
  await client.query(
    'update fsp.involvement_contact c set family = i.family, person = i.person from fsp.involvement i where i.id = c.involvement and c.family <> i.family',
  );
}

/** The lock of `fsp.index_disclosures` (`src/access/record.sql`). */
export const INDEXING = 7_246_337_003;

/**
 * Has whoever makes looks readable wait until the transaction's end: a look at a family that came meanwhile would hold the family, or be of none. It
 * is taken before any row is locked, as the other takes it first, too.
 */
export async function holdIndexing(client: pg.Client): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [INDEXING]);
}

/** Of rows that the database writes itself, and that come again while the family stands. */
const isMachinery = ({ dataClass, name }: TableClass) => dataClass === 'STRUCTURE' && name !== 'family' && name !== 'person';

/**
 * Erases a family, in the transaction that it is given, on the owner's connection.
 *
 * @returns how many rows of each table went.
 * @throws where anything of it is left.
 */
export async function eraseFamily(client: pg.Client, family: string): Promise<Record<string, number>> {
  const parts = erasing();
  await holdIndexing(client);
  await moveOn(client, family);
  // What was gathered from it for somebody's request is read without it.
  await client.query(
    'update fsp.subject_access r set families = array_remove(r.families, $1::bigint) where $1::bigint = any (r.families)',
    [family],
  );
  const { rows: members } = await client.query<{ person: string }>(
    `select m.person from (select family, person from fsp.membership union select family, person from fsp.unborn_membership) m
     group by m.person having bool_and(m.family = $1)`,
    [family],
  );
  const values = [family, members.map(({ person }) => person)];
  await client.query('create temporary table erased (name text not null, key text not null, primary key (name, key)) on commit drop');
  const collect = async ({ name, key, where }: Part) => {
    if (key)
      await client.query(
        `insert into erased select '${name}', r."${key}"::text from fsp.${name} r
         where (${where}) and ${FAMILY} is not null and ${PERSONS} is not null on conflict do nothing`,
        values,
      );
  };
  const wholesFirst = [...parts].reverse();
  for (const part of wholesFirst) if (!LAST.has(part.name)) await collect(part);
  for (const part of wholesFirst) if (LAST.has(part.name)) await collect(part);
  // What stays names nobody who goes.
  for (const table of classifiedTables()) {
    const key = primaryKey(table.table);
    for (const { column, to } of references(table.table)) {
      const gone = parts.find((part) => part.table.table === to);
      if (!gone || column.notNull || column.primary) continue;
      const stays = key ? `not ${erased(`'${table.name}'`, `r."${key}"`)}` : 'true';
      await client.query(
        `update fsp.${table.name} r set "${column.name}" = null where ${erased(`'${gone.name}'`, `r."${column.name}"`)} and ${stays}`,
      );
    }
  }
  const counts: Record<string, number> = {};
  const remove = async ({ table, name, key, where }: Part) => {
    const gone = key
      ? await client.query(`delete from fsp.${name} r where ${erased(`'${name}'`, `r."${key}"`)}`)
      : await client.query(`delete from fsp.${name} r where (${where}) and ${FAMILY} is not null and ${PERSONS} is not null`, values);
    if (gone.rowCount && isPersonal(table.dataClass)) counts[name] = (counts[name] ?? 0) + gone.rowCount;
  };
  for (const part of parts) if (!isMachinery(part.table)) await remove(part);
  // Grants were written anew as what they are made of went.
  for (const part of parts) if (isMachinery(part.table)) await remove({ ...part, key: null });
  for (const { name, where, table } of parts) {
    if (LAST.has(name) || (!table.family && !table.person)) continue;
    const { rows } = await client.query(
      `select from fsp.${name} r where (${where}) and ${FAMILY} is not null and ${PERSONS} is not null limit 1`,
      values,
    );
    if (rows.length > 0) throw new Error(`${name}: something of the record is left. Nothing was erased.`);
  }
  return counts;
}
