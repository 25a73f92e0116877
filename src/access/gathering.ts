/**
 * What a person's request for their own data gathers, table by table. Every table is gathered by what its columns say of it, or
 * says here why it is not: a table that does neither stops the build, by its name (`gatheringFaults`).
 *
 * What is left out of what is gathered is the database's to decide, row by row (`fsp.gather_subject_access`).
 */
import { getTableConfig, type PgColumn } from 'drizzle-orm/pg-core';
import { keyTo, ownKey } from '../db/belonging.ts';
import { classifiedTables, STRUCTURE_COLUMNS, type TableClass } from '../db/classified.ts';
import { isOfNobody, isPersonal } from './classes.ts';

/** How a table's rows come to be about the person: `$1`, in the families `$2`, for the persons `$3`: who it is about, and who asks. */
type Custom = { where: string; controller: string } | { none: string };

const ours = 'what an application, a user or the machinery itself needs; nobody of a family is in it';
const copy = 'it repeats what is gathered from the row that it is about';
const looked = 'who has looked is asked of the disclosure record itself';
const staff = 'about those who work with families, and nobody of a family';

/** Tables of which their columns do not say it all, each with how it is gathered or why it is not. */
const DECLARED: Record<string, Custom> = {
  person: { none: 'a key without a word' },
  family: { none: 'a key without a word' },
  family_grant: { none: 'which login may read what: made of involvements and decisions' },
  person_grant: { none: 'which login may read what: made of involvements and decisions' },
  user_focus: { none: 'whom a user works with: made of involvements' },
  user_rule: { none: 'which user may read what: made of protections, conflicts and emergencies' },
  conflict_of_interest: { none: staff },
  client: { none: ours },
  app_user: { none: ours },
  revoked_token: { none: ours },
  team_member: { none: staff },
  sealed_user: { none: staff },
  idempotency: { none: ours },
  match_candidate: { none: 'that a number stands on two records, which is to be settled before either is anybody’s' },
  outbox: { none: 'that something changed, and never what' },
  figure_dirty: { none: ours },
  figure_key: { none: ours },
  extract: { none: 'what was made for whom; who is in it are its rows' },
  extract_row: { none: `pseudonymised: ${copy}s that it was made of` },
  feed_change: { none: 'that something changed, and never what' },
  feed_reader: { none: ours },
  feed_seen: { none: looked },
  feed_state: { none: ours },
  webhook: { none: ours },
  webhook_event: { none: 'that something changed, and never what' },
  earlier: { none: 'what rows were before they were amended; what was put right is told beside the row' },
  kept_from_lift: { none: 'about whom something was kept from' },
  disclosure: { none: looked },
  disclosure_entry: { none: looked },
  disclosure_family: { none: looked },
  disclosure_chain: { none: looked },
  access_look: { none: looked },
  access_notice: { none: looked },
  notice_delay: { none: looked },
  retraction: { none: 'what was taken out as wrong, which is for who checks alone' },
  recall_notice: { none: 'who was told that something was taken out, or is not shared any more' },
  person_merge: { none: 'how two records of one person were put together' },
  adoption: { none: 'that a record ends with an adoption: it is of who was adopted, and of nobody who asks under another name' },
  merge_kept_from: { none: 'about whom something was kept from' },
  // Whose statement it is; of what others say against a fact about the person, they ask.
  dispute: { where: 'r.speaker = $1', controller: 'controller' },
  provider_month: { none: 'figures about a provider' },
  provider_month_tests: { none: 'figures about a provider' },
  individual_supervision: { none: staff },
  establishment: { none: staff },
  post: { none: staff },
  post_share: { none: staff },
  post_holding: { none: staff },
  training: { none: staff },
  confidence_answer: { none: staff },
  look_up: { none: 'whom it was about is not kept' },
  clock: { none: `when something was due: ${copy}` },
  task: { none: `what somebody was to do: ${copy}` },
  // What a partner told the county is the county's, too, once a contact was made of it.
  referral: { where: 'exists (select from fsp.contact c where c.referral = r.id and {{contact of c}})', controller: 'addressee' },
  referral_child: { none: 'the children as the sender named them; the contact names them as the county does' },
  referral_child_place: { none: 'the children as the sender named them; the contact names them as the county does' },
  referral_feedback: {
    where: 'exists (select from fsp.contact c where c.referral = r.referral and {{contact of c}})',
    controller: 'controller',
  },
  referral_feedback_answer: { none: 'what the sender of a referral said of the feedback: about the county' },
  information_request: {
    where: 'exists (select from fsp.information_request_person p where p.request = r.id and p.about_person = $1)',
    controller: 'sender',
  },
  information_request_person: { where: 'r.about_person = $1', controller: 'sender' },
  information_answer: {
    where: 'exists (select from fsp.information_request_person p where p.request = r.request and p.about_person = $1)',
    controller: 'sender',
  },
  // Whose the need is stands beside it, and is the county's.
  housing_need: { where: 'exists (select from fsp.housing_origin o where o.need = r.id and o.person = $1)', controller: 'sender' },
  housing_answer: { where: 'exists (select from fsp.housing_origin o where o.need = r.need and o.person = $1)', controller: 'addressee' },
  housing_introduction: { where: 'r.about_person = $1', controller: 'sender' },
  service_place: { none: `that a place is taken: ${copy}` },
  voucher_redemption: { none: 'what a desk was told of a code: nobody is in it' },
  housing_referral: { where: 'r.about_person = $1', controller: 'sender' },
  housing_referral_contact: {
    where: 'exists (select from fsp.housing_referral d where d.id = r.referral and d.about_person = $1)',
    controller: 'sender',
  },
  housing_referral_why: {
    where: 'exists (select from fsp.housing_referral d where d.id = r.referral and d.about_person = $1)',
    controller: 'sender',
  },
  retention_hold: { none: 'why records are kept longer, which may be what somebody else claims or is suspected of' },
  erasure_proposal: { none: 'that a record is due to be erased' },
  erasure: { none: 'what was erased of others' },
  person_source: { none: `under which number a record system knows somebody: ${copy}` },
  record_source: { none: `under which number a record system knows a record: ${copy}` },
  record_run: { none: ours },
  record_run_line: { none: ours },
  // What was gathered before is not gathered again.
  subject_access: { none: 'the request itself' },
  subject_access_section: { none: 'an earlier gathering' },
  subject_access_item: { none: 'an earlier gathering' },
  subject_access_field: { none: 'an earlier gathering' },
  subject_access_exclusion: { none: 'an earlier gathering' },
  subject_access_notice: { none: 'to whom a request was passed on is told with the answer to it' },
};

/** SQL that the child agreed that their parents may know; where a table has none, they did not. */
const PARENTS_MAY_KNOW: Record<string, string> = {
  child_voice: `r.may_know = 'parents'`,
  child_voice_answer: `exists (select from fsp.child_voice v where v.id = r.voice and v.may_know = 'parents')`,
};

const config = ({ table }: TableClass) => getTableConfig(table);
const columnNamed = (table: TableClass, name: string) => config(table).columns.some((column) => column.name === name);

const ofPeople = (table: TableClass) => isPersonal(table.dataClass);

/** The tables whose rows name persons and belong to a row of this one: whom an entry, a meeting, a condition is about. */
const naming = (table: TableClass, all: TableClass[]): { name: string; key: string; person: string }[] =>
  all.flatMap((part) => {
    const key = part.table === table.table || !ofPeople(part) || !part.person ? undefined : keyTo(part, table);
    return key ? [{ name: part.name, key, person: part.person as string }] : [];
  });

/** The table to whose rows a table's rows belong, and by which column. */
function wholeOf(table: TableClass, all: TableClass[]): { whole: TableClass; key: string } | undefined {
  for (const whole of all) {
    if (whole.table === table.table || !ofPeople(whole)) continue;
    const key = keyTo(table, whole);
    if (key) return { whole, key };
  }
  return undefined;
}

type Ways = { person: string | null; listed: string | null; whole: string | null; family: string | null };

/** SQL by which a row is about the person, for each way that there is. */
function waysOf(table: TableClass, row: string, all: TableClass[]): Ways {
  const ways: Ways = { person: null, listed: null, whole: null, family: null };
  if (table.person) ways.person = `${row}.${table.person} = $1`;
  const nobody = table.person ? `${row}.${table.person} is null and ` : '';
  if (table.person && !table.personOptional) return ways;
  const parts = naming(table, all);
  if (parts.length > 0) {
    const named = (who: string) =>
      parts
        .map(({ name, key, person }) => `exists (select from fsp.${name} n where n.${key} = ${row}.id and n.${person} ${who})`)
        .join(' or ');
    ways.listed = `${nobody}(${named('= $1')})`;
    if (table.family) ways.family = `${nobody}${row}.${table.family} = any ($2) and not (${named('is not null')})`;
    return ways;
  }
  const belongs = wholeOf(table, all);
  if (belongs) {
    const above = `w_${belongs.whole.name}`;
    const inner = about(belongs.whole, above, all);
    if (inner) {
      ways.whole = `${nobody}exists (select from fsp.${belongs.whole.name} ${above} where ${above}.id = ${row}.${belongs.key} and ${inner})`;
      return ways;
    }
  }
  if (table.family) ways.family = `${nobody}${row}.${table.family} = any ($2)`;
  return ways;
}

/** SQL that a row is about the person in whichever way; null where nothing says so. */
function about(table: TableClass, row: string, all: TableClass[]): string | null {
  const ways = Object.values(waysOf(table, row, all)).filter((way): way is string => way !== null);
  return ways.length > 0 ? `(${ways.join(' or ')})` : null;
}

const words = (name: string) => name.replaceAll('_', ' ');

/** Columns of masks; and that there was a MARAC, which stands in a row of its own. */
const SILENT = new Set(['code_hash', 'kept_from', 'mask', 'row_mask', 'marac']);

/** A column that says nothing to the person: keys, versions, and who in an office wrote it. */
function says(table: TableClass, column: PgColumn): boolean {
  if (STRUCTURE_COLUMNS.has(column.name) && column.name !== table.person) return false;
  return column.name !== table.person && column.name !== table.family && !SILENT.has(column.name);
}

/** A row's fields as SQL: for each `name`, `value` as text, and `held` where it names somebody else. */
function fieldsOf(table: TableClass, all: TableClass[]): string[] {
  const { columns, foreignKeys } = config(table);
  const to = new Map(
    foreignKeys.flatMap((foreign) => {
      const { columns: from, foreignTable } = foreign.reference();
      return from.length === 1 ? [[(from[0] as PgColumn).name, all.find(({ table: each }) => each === foreignTable)] as const] : [];
    }),
  );
  const field = (column: PgColumn, value: string, extra = '') =>
    `jsonb_build_object('name', '${words(column.name)}', 'value', ${value}${extra})`;
  return columns.flatMap((column) => {
    if (!says(table, column)) return [];
    const type = column.getSQLType();
    const target = to.get(column.name);
    const value = `r."${column.name}"`;
    if (target?.name === 'person')
      return [
        field(
          column,
          `(select concat_ws(' ', i.given_name, i.family_name) from fsp.person_identity i where i.person = ${value})`,
          `, 'other', ${value} <> all ($3)`,
        ),
      ];
    if (target?.dataClass === 'DIRECTORY')
      return columnNamed(target, 'name')
        ? [field(column, `(select d.name from fsp.${target.name} d where d.${ownKey(target)} = ${value})`)]
        : [];
    // A key without a word of its own.
    if (type.startsWith('bigint') || target) return [];
    if (type === 'boolean') return [field(column, `case when ${value} then 'yes' when not ${value} then 'no' end`)];
    if (type === 'text[]') return [field(column, `nullif(array_to_string(${value}, ', '), '')`, `, 'free', true`)];
    if (type === 'text') return [field(column, value, `, 'free', true`)];
    return [field(column, `${value}::text`)];
  });
}

export type Gathered = {
  name: string;
  noun: string;
  dataClass: string;
  /** SQL of its rows: key, way, controller, mask, kept, agreed (the child, that parents may know), fields. */
  rows: string;
  /** SQL that is true where the families have rows of it about other people. */
  others: string | null;
};

const list = (fields: string[]) => (fields.length > 0 ? `jsonb_build_array(${fields.join(', ')})` : `'[]'::jsonb`);

/** How one table is gathered; null where it says why it is not, an Error's words where it says neither. */
function gathered(table: TableClass, all: TableClass[]): Gathered | null | string {
  const declared = DECLARED[table.name];
  if (declared && 'none' in declared) return null;
  if (isOfNobody(table.dataClass)) return null;
  const forgotten = `${table.name}: nothing says how a person's request gathers it, or why not (src/access/gathering.ts).`;
  const fields = fieldsOf(table, all);
  const ways = declared ? { person: null, listed: null, whole: null, family: null } : waysOf(table, 'r', all);
  const custom = declared?.where.replace(/\{\{(\w+) of (\w+)\}\}/g, (_, name: string, row: string) => {
    const other = all.find((each) => each.name === name);
    const sql = other ? about(other, row, all) : null;
    if (!sql) throw new Error(forgotten);
    return sql;
  });
  const found = Object.entries({ ...ways, ...(custom ? { listed: custom } : {}) }).filter(
    (each): each is [string, string] => each[1] !== null,
  );
  const controller = declared?.controller ?? 'controller';
  if (!ofPeople(table) || found.length === 0 || !columnNamed(table, controller)) return forgotten;
  // What has no word of its own stands in what it belongs to.
  if (fields.length === 0) return null;
  const way = `case ${found.map(([name, sql]) => `when ${sql} then '${name}'`).join(' ')} end`;
  // A family that the asker does not see is not in it, whoever of it the row is about.
  const seen = table.family ? ` and (r.${table.family} is null or r.${table.family} = any ($2))` : '';
  const where = `(${found.map(([, sql]) => `(${sql})`).join(' or ')})${seen}`;
  return {
    name: table.name,
    noun: words(table.name),
    dataClass: table.dataClass,
    rows:
      `select r."${ownKey(table)}"::text as key, ${way} as way, r."${controller}" as controller, ` +
      `${table.rowMask ? `r.${table.rowMask}` : '0::bigint'} as mask, ${table.keptFrom ? `r.${table.keptFrom}` : `'{}'::bigint[]`} as kept, ` +
      `${PARENTS_MAY_KNOW[table.name] ?? 'false'} as agreed, ${list(fields)} as fields from fsp.${table.name} r where ${where} order by 1`,
    others:
      table.family && table.person
        ? `select exists (select from fsp.${table.name} r where r.${table.family} = any ($2) and r.${table.person} <> $1)`
        : null,
  };
}

/** What a request gathers, in the order of the tables. @throws naming the first table that is forgotten. */
export function gathering(all: TableClass[] = classifiedTables()): Gathered[] {
  const [fault] = gatheringFaults(all);
  if (fault) throw new Error(fault);
  return all.map((table) => gathered(table, all)).filter((each): each is Gathered => each !== null && typeof each !== 'string');
}

/** Every table that is forgotten, and every word about a table that is not there. */
export function gatheringFaults(all: TableClass[] = classifiedTables()): string[] {
  const known = new Set(all.map(({ name }) => name));
  const stale = [...Object.keys(DECLARED), ...Object.keys(PARENTS_MAY_KNOW)].filter((name) => !known.has(name));
  return [
    ...all.map((table) => gathered(table, all)).filter((each): each is string => typeof each === 'string'),
    ...stale.map((name) => `${name}: there is no such table (src/access/gathering.ts).`),
  ];
}
