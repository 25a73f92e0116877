/**
 * What the rules that decide say of one client and one family. The database's policies and the plan's predicates are asked themselves, of
 * rows that might stand there: nothing here decides. They run on the login of who asks, over the other's grants as `fsp.explain_…` gives
 * them, so that no login is used for another organisation's question.
 */
import type { Client } from '../../access/client.ts';
import { mayRead } from '../../access/decide.ts';
import { effectiveMask, isNow } from '../../access/masks.ts';
import { LOGIN, ORGANISATION, selectPredicate } from '../../access/policies.ts';
import { familyEntry, notBarred, personEntry, rowPredicates, USER, unguarded } from '../../access/predicates.ts';
import { classOf, type TableClass } from '../../db/classified.ts';
import { quoted } from '../../read/scalar.ts';
import { and } from '../../read/select.ts';
import { sharingDecision } from '../sharing/ledger.ts';

/** Runs one statement on a login; `j` of its one row is the answer's JSON. */
export type Ask = (login: string, sql: string, parameters: (string | null)[]) => Promise<string>;

/** Of whom it is asked: a family, and those of its members whom the asker sees, or one of them. */
export type Subject = { family: string; people: string[] };

/** A row that might be: about whom (null: the family as a whole), and whether it is the organisation's and the user's own. */
export type RowSeen = { table: string; person: string | null; mine: boolean; seen: boolean };

export type Member = {
  person: string;
  /** Whether the person is there for the client; `granted`: whether a grant of today says so. */
  there: boolean;
  granted: boolean;
  agreed: boolean;
  unborn: boolean;
  /** Classes that the grants open: the person's own, and together with the family's. */
  mask: bigint;
  both: bigint;
  shared: bigint;
  withheld: bigint;
};

export type Period = { from: string | null; until: string | null };

export type Work = Period & { person: string | null; role: string | null; agreed: boolean; now: boolean };

export type Decision = Period & { effect: 'SHARE' | 'WITHHOLD'; class: string; person: string | null; gateway: string; by: string };

export type Facts = {
  /** The grant of today, or null; its masks as they are stored. */
  grant: (Period & { mask: bigint; shared: bigint; withheld: bigint; onlyWith: boolean }) | null;
  /** Every rule of entry of the plan, in its order; all of them have to be met. */
  entry: { rule: 'INVOLVEMENT' | 'USER' | 'STAGE'; open: boolean }[];
  members: Member[];
  rows: Map<string, RowSeen[]>;
  work: Work[];
  /** Whether the user works with named persons of the family only. */
  focused: boolean;
  /** The one row that is asked about; null: rows of the type together. */
  row: RowAsked | null;
};

/** What a table's part of one row asks for besides its class; null: the table's part is hidden from who asks, as from whom it is asked of. */
export type OwnRules = { mask: bigint; keptFrom: string[] } | null;

/** One row: about whom it is, and what its own table and the tables beside it ask. */
export type RowAsked = { person: string | null; of: Map<string, OwnRules> };

/** A member whom the asker sees, and with whom the organisation does not work. */
const ABSENT = { there: false, granted: false, agreed: false, unborn: false, mask: 0n, both: 0n, shared: 0n, withheld: 0n };

/** The names under which the other's grants stand in the statement. */
const elsewhere = (sql: string): string => sql.replaceAll(/\bfsp\.(family_grant|person_grant|team_member|user_focus|user_rule)\b/g, 'x_$1');

/** What kind of rule a predicate of entry is: the grant itself, the family's stage, or a rule about the user. */
const kindOf = (predicate: string, index: number): Facts['entry'][number]['rule'] =>
  index === 0 ? 'INVOLVEMENT' : predicate.includes('.purposes &') ? 'STAGE' : 'USER';

/** SQL that a row of a table would be seen: the policy of the agency and the plan's predicates, over the row under the table's name. */
function seenSql(table: TableClass, asked: Client): string {
  const policy = selectPredicate(table, asked.agency);
  if (policy === null) return 'false';
  const organisation = String(asked.organisation.id);
  let sql = and([`(${policy})`, ...rowPredicates(table, table.name, asked)])
    .replaceAll(ORGANISATION, organisation)
    .replaceAll(LOGIN, String(asked.login.id));
  // Through another table a row is own if it is meant to be: there is no such row that the other table could name.
  const { own, people } = table;
  if (own?.through) sql = sql.replaceAll(own.through(table.name, organisation), 'x_row.mine');
  if (own?.userThrough) sql = sql.replaceAll(own.userThrough(table.name, USER), 'x_row.mine');
  if (people) sql = sql.replaceAll(people(table.name), '(select x.person from x_subject x)');
  return elsewhere(sql).replaceAll(/fsp\.own_open(?:_person)?\([^()]*\)/g, 'x_row.mine');
}

/** The rows of a table that might be, and whether each would be seen. */
function rowsOf(table: TableClass, asked: Client, row: RowAsked | null): string {
  const { own } = table;
  const rules = row?.of.get(table.name);
  const values = new Map<string, string>();
  const set = (column: string | undefined, value: string) => column && values.set(column, value);
  for (const column of own?.columns ?? []) set(column, `case when x_row.mine then ${asked.organisation.id} else -1 end`);
  set(own?.user, `case when x_row.mine then ${USER} end`);
  set(table.family, '$2::bigint');
  set(table.other, 'x_subject.person');
  set(table.person, 'x_subject.person');
  set(table.rowMask, String(rules?.mask ?? 0));
  set(table.keptFrom, `'[${rules?.keptFrom.join(',') ?? ''}]'::jsonb`);
  const object = [...values].map(([column, value]) => `'${column}', ${value}`).join(', ');
  const about = !table.person ? 'where x_subject.person is null' : table.personOptional ? '' : 'where x_subject.person is not null';
  return `select '${table.name}' as "table", x_subject.person::text as person, x_row.mine, ${rules === null ? 'false' : `coalesce(${seenSql(table, asked)}, false)`} as seen
    from x_subject cross join (values (false), (true)) x_row (mine)
    cross join lateral jsonb_populate_record(null::fsp.${quoted(table.name)}, jsonb_build_object(${object})) ${quoted(table.name)} ${about}`;
}

/**
 * Asks what holds for a client and a family.
 *
 * @param tables of whose rows it is asked.
 * @param row the one row that is asked about, as `readRow` gives it.
 */
export async function readFacts(
  ask: Ask,
  caller: Client,
  asked: Client,
  subject: Subject,
  tables: TableClass[],
  row: RowAsked | null = null,
): Promise<Facts> {
  const { agency } = asked;
  const login = `${asked.login.id}::bigint`;
  const entry = familyEntry(asked, 'fg').map(elsewhere);
  const rows = tables.map((table) => rowsOf(table, asked, row)).join('\n union all ');
  const sql = `with
    x_family_grant as materialized (select * from fsp.explain_family_grant($2::bigint, ${login})),
    x_person_grant as materialized (select * from fsp.explain_person_grant($2::bigint, ${login}) where person = any ($3::bigint[])),
    x_team_member as materialized (select * from fsp.explain_team_member($2::bigint, ${login}, ${USER})),
    x_user_focus as materialized (select * from fsp.explain_user_focus($2::bigint, ${login}, ${USER})),
    x_user_rule as materialized (select * from fsp.explain_user_rule($2::bigint, ${login}, ${USER})),
    x_subject as materialized (select null::bigint as person union all select pg.person from x_person_grant pg where ${isNow('pg')})
  select json_build_object(
    'grant', (select json_build_object('from', nullif(fg.starts, '-infinity'), 'until', nullif(fg.ends, 'infinity'), 'shared', fg.shared::text,
        'withheld', fg.withheld::text, 'onlyWith', fg.only_with is not null, 'mask', (${effectiveMask(agency, 'fg', undefined)})::text,
        'entry', json_build_array(${entry.map((predicate) => `coalesce(${predicate}, false)`).join(', ')}))
      from x_family_grant fg where ${isNow('fg')}),
    'members', (select coalesce(json_agg(json_build_object('person', pg.person::text, 'granted', true, 'there', coalesce(${elsewhere(and(personEntry(asked, 'pg')))}, false),
        'agreed', pg.agreed, 'unborn', pg.needs <> 0, 'mask', (${effectiveMask(agency, undefined, 'pg')})::text, 'both', (${effectiveMask(agency, 'fg', 'pg')})::text,
        'shared', (pg.shared | pg.family_shared)::text, 'withheld', (pg.withheld | pg.family_withheld)::text) order by pg.person), '[]')
      from x_person_grant pg, x_family_grant fg where ${isNow('pg')} and ${isNow('fg')}),
    'absent', (select coalesce(json_agg(mine.person::text order by mine.person), '[]')
      from fsp.explain_person_grant($2::bigint, ${caller.login.id}::bigint) mine
      where ${isNow('mine')} and mine.person = any ($3::bigint[])
        and mine.person not in (select x.person from x_subject x where x.person is not null)),
    'work', (select coalesce(json_agg(json_build_object('person', i.person::text, 'role', i.role, 'agreed', i.agreed, 'from', i."from", 'until', i.until,
        'now', i."from" <= now() and coalesce(i.until, 'infinity') > now()) order by i."from"), '[]')
      from fsp.explain_involvement($2::bigint, ${login}) i where i.person is null or i.person = any ($3::bigint[])),
    'focused', exists (select from x_user_focus u where ${isNow('u')}),
    'rows', ${rows === '' ? "'[]'::json" : `(select coalesce(json_agg(r), '[]') from (${rows}) r)`}
  )::text as j`;
  const told = JSON.parse(await ask(caller.login.name, sql, [asked.user, subject.family, `{${subject.people}}`]));
  const grant = told.grant && {
    ...told.grant,
    mask: BigInt(told.grant.mask),
    shared: BigInt(told.grant.shared),
    withheld: BigInt(told.grant.withheld),
  };
  return {
    grant,
    entry: entry.map((predicate, index) => ({ rule: kindOf(predicate, index), open: grant?.entry[index] === true })),
    members: [
      ...told.members.map((member: Record<'mask' | 'both' | 'shared' | 'withheld', string>) => ({
        ...member,
        mask: BigInt(member.mask),
        both: BigInt(member.both),
        shared: BigInt(member.shared),
        withheld: BigInt(member.withheld),
      })),
      ...told.absent.map((person: string) => ({ person, ...ABSENT })),
    ],
    rows: Map.groupBy(told.rows as RowSeen[], ({ table }) => table),
    work: told.work,
    focused: told.focused,
    row,
  };
}

/** A part of a row: its table, and the column that has the row's key. */
export type RowPart = { table: TableClass; key: string };

/**
 * What one row of a family asks for besides its class: read on the login of who asks, to whom the row has to be there. Where a class of its
 * own hides what stands beside it, another organisation asks of its own clients, to whom it is hidden as well; the county, which asks of
 * everybody, is told the class and nothing else (`fsp.explain_row_mask`).
 *
 * @param parts the row's own table first, then the tables beside it that are asked about.
 * @returns null where there is no such row of the family for who asks, or it is about somebody whom they do not see.
 */
export async function readRow(
  ask: Ask,
  caller: Client,
  { family, people }: Subject,
  [whole, ...sides]: [RowPart, ...RowPart[]],
  row: string,
): Promise<RowAsked | null> {
  const { table } = whole;
  if (!table.family) return null;
  const rules = ({ rowMask, keptFrom }: TableClass, alias: string) =>
    `json_build_object('mask', ${rowMask ? `${alias}.${rowMask}::text` : "'0'"}, 'keptFrom', ${keptFrom ? `${alias}.${keptFrom}::text[]` : "'{}'::text[]"})`;
  const beside = sides.map(({ table: side, key }) => {
    const told = `(select ${rules(side, 's')} from fsp.${quoted(side.name)} s where s.${quoted(key)} = one.${quoted(whole.key)})`;
    if (caller.agency !== 'LA' || !side.rowMask) return `'${side.name}', ${told}`;
    const mask = `fsp.explain_row_mask($2::bigint, '${side.name}', one.${quoted(whole.key)})`;
    return `'${side.name}', coalesce(${told}, (select json_build_object('mask', m::text, 'keptFrom', '{}'::text[]) from ${mask} m where m is not null))`;
  });
  const hidden = [
    ...[table.person, table.other].flatMap((person) => (person ? notBarred(caller, 'person', `one.${person}`) : [])),
    unguarded(caller, table.dataClass, 'family', `one.${table.family}`),
  ].filter((rule) => rule !== null);
  const about = table.person ? `one.${table.person}` : 'null::bigint';
  const sql = `select coalesce((select json_build_object('person', (${about})::text, 'of', json_build_object(${[`'${table.name}', ${rules(table, 'one')}`, ...beside].join(', ')}))
    from fsp.${quoted(table.name)} one where one.${quoted(whole.key)} = $4::bigint and one.${table.family} = $2::bigint
      and (${about} is null or ${about} = any ($3::bigint[])) and ${and(['($1::text is null or true)', ...hidden])}), 'null')::text as j`;
  const told = JSON.parse(await ask(caller.login.name, sql, [caller.user, family, `{${people}}`, row]));
  if (told === null) return null;
  const of = Object.entries(told.of as Record<string, { mask: string; keptFrom: string[] } | null>);
  return {
    person: told.person,
    of: new Map(of.map(([name, own]): [string, OwnRules] => [name, own && { mask: BigInt(own.mask), keptFrom: own.keptFrom }])),
  };
}

/**
 * Whether the family, and the person in it, are there for who asks, by the rules by which they would read them; which members are; and the
 * decisions about another's access that they may read.
 */
export async function readAsked(
  ask: Ask,
  caller: Client,
  asked: Client | null,
  { family, person }: { family: string; person: string | null },
): Promise<{ open: boolean; people: string[]; decisions: Decision[] }> {
  const ledger = classOf(sharingDecision);
  const mayReadLedger = asked !== null && mayRead(caller, ledger.dataClass).open !== false;
  const decisions = mayReadLedger
    ? `(select coalesce(json_agg(json_build_object('effect', d.effect, 'class', given.class, 'person', d.person::text, 'gateway', d.gateway,
        'by', d.decided_by, 'from', d."from", 'until', d.until) order by d."from", d.id, given.class), '[]')
      from fsp.sharing_decision d cross join unnest(d.data_classes) as given (class) where d.family = $2::bigint and (d.organisation = ${asked.organisation.id} or d.agency = '${asked.agency}')
        and ($3::bigint is null or d.person is null or d.person = $3::bigint)
        and d."from" <= now() and coalesce(d.until, 'infinity') > now() and coalesce(d.withdrawn_at, 'infinity') > now()
        and ${and(rowPredicates(ledger, 'd', caller))})`
    : "'[]'::json";
  const sql = `select json_build_object(
    'open', ($1::text is null or true) and coalesce((select true from fsp.family_grant k
      where ${and(familyEntry(caller, 'k'))} and k.family = $2::bigint limit 1), false),
    'people', (select coalesce(json_agg(k.person::text order by k.person), '[]') from fsp.person_grant k
      where ${and(personEntry(caller, 'k'))} and ($3::bigint is null or k.person = $3::bigint)
        and k.person in (select g.person from fsp.explain_person_grant($2::bigint, ${caller.login.id}::bigint) g)),
    'decisions', ${decisions})::text as j`;
  const told = JSON.parse(await ask(caller.login.name, sql, [caller.user, family, person]));
  return { ...told, open: told.open && (person === null || told.people.length > 0) };
}

/** The organisations of an agency that work with a family today, as far as the asker may know of it. */
export async function organisationsAt(ask: Ask, caller: Client, family: string, agency: string): Promise<number[]> {
  const sql = "select coalesce(json_agg(o), '[]')::text as j from fsp.explain_organisations($1::bigint, $2::text) o";
  return JSON.parse(await ask(caller.login.name, sql, [family, agency]));
}
