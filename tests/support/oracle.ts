/**
 * What each organisation may read by plain SQL, worked out row by row from the seed and the agreement's table, in plain
 * code: independent of the policies that it is compared with.
 */
import type pg from 'pg';
import { AGREEMENT } from '../../src/access/agreement.ts';
import { type Agency, CLASS_BIT, type PersonalClass } from '../../src/access/classes.ts';
import { classifiedTables, type TableClass } from '../../src/db/classified.ts';

type Row = Record<string, any>;

export type World = {
  organisations: Map<number, { id: number; code: string; agency: Agency }>;
  families: Map<number, Row>;
  involvements: Row[];
  decisions: Row[];
  members: { family: number; person: number; unbornBy: number | null }[];
  /** Rows of the tables by which rows of others are own, by table. */
  by: Map<string, Row[]>;
};

type Way = { table: string; of: (row: Row) => unknown; key: string; where?: (row: Row) => boolean };

const ofIntervention = (row: Row) => row.intervention ?? row.id;
const ofMeeting = (row: Row) => row.meeting ?? row.id;
const link: Way[] = [{ table: 'intervention_link', of: ofIntervention, key: 'intervention' }];
const those: Way[] = [{ table: 'meeting_attendance', of: ofMeeting, key: 'meeting' }];

/** By which rows of another table a table's row is own, where that row names the organisation and the organisation sees it. */
const THROUGH: Record<string, Way[]> = {
  intervention: link,
  intervention_progress: link,
  intervention_event: link,
  relapse_detail: link,
  intervention_session: link,
  intervention_outcome: link,
  onward_activity: link,
  intervention_test: link,
  service_offer: [{ table: 'service_offer_link', of: (row) => row.id, key: 'offer' }],
  meeting: those,
  meeting_place: those,
  meeting_person: those,
  meeting_action: those,
  // Minutes are of those who came, and those to whom they were sent.
  meeting_minutes: [
    { table: 'meeting_attendance', of: ofMeeting, key: 'meeting', where: ({ status }) => status === 'ATTENDED' },
    { table: 'meeting_circulation', of: ofMeeting, key: 'meeting' },
  ],
  group_supervision: [{ table: 'group_supervision_participant', of: (row) => row.id, key: 'supervision' }],
};

/** Columns of those tables that name whose the other row is through them. */
const NAMED = ['provider', 'assigned', 'organisation'];

const number = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([k, v]) => [
      k,
      typeof v === 'string' && /^\d{1,15}$/.test(v) && k !== 'reference' ? Number(v) : Array.isArray(v) ? v.map(Number) : v,
    ]),
  );

export async function readWorld(owner: pg.Client): Promise<World> {
  const all = async (sql: string): Promise<Row[]> => (await owner.query(sql)).rows.map(number);
  const by = new Map<string, Row[]>();
  const standing = classifiedTables().flatMap(({ own }) => own?.standing ?? []);
  for (const { table } of [...Object.values(THROUGH).flat(), ...standing])
    if (!by.has(table)) by.set(table, await all(`select * from fsp.${table}`));
  return {
    organisations: new Map((await all('select id, code, agency from fsp.organisation')).map((o) => [o.id, o as never])),
    families: new Map((await all('select * from fsp.family')).map((f) => [f.id, f])),
    involvements: await all('select * from fsp.involvement where "from" <= now() and (until is null or until > now())'),
    decisions: await all(
      'select * from fsp.sharing_decision where "from" <= now() and (until is null or until > now()) and withdrawn_at is null',
    ),
    members: [
      ...(await all('select family, person from fsp.membership')).map((m) => ({ family: m.family, person: m.person, unbornBy: null })),
      ...(await all('select family, person, controller from fsp.unborn_membership')).map((m) => ({
        family: m.family,
        person: m.person,
        unbornBy: m.controller,
      })),
    ],
    by,
  };
}

const classesOf = (mask: number): PersonalClass[] => (Object.keys(CLASS_BIT) as PersonalClass[]).filter((c) => (mask >> CLASS_BIT[c]) & 1);

export function oracle(world: World, organisationId: number) {
  const organisation = world.organisations.get(organisationId) as { id: number; code: string; agency: Agency };
  const { agency } = organisation;
  const level = (c: PersonalClass) => AGREEMENT[c].levels[agency];
  const mine = (d: Row) => d.organisation === organisationId || (d.organisation === null && d.agency === agency);

  /** Whom of a family the organisation works with: everybody, some, or nobody. */
  const access = (family: number): 'all' | Set<number> | null => {
    const row = world.families.get(family) as Row;
    if (row.restricted) return null;
    if (row.controller === organisationId) return 'all';
    const found = world.involvements.filter((i) => i.family === family && i.organisation === organisationId);
    if (found.length === 0) return null;
    return found.some((i) => i.person === null) ? 'all' : new Set(found.map((i) => i.person));
  };
  const familiesOf = (person: number) =>
    world.members.filter((m) => {
      if (m.person !== person) return false;
      const seen = access(m.family);
      return seen === 'all' || seen?.has(person);
    });
  const decided = (effect: string, c: PersonalClass, test: (d: Row) => boolean) =>
    world.decisions.some((d) => d.effect === effect && ((d.mask >> CLASS_BIT[c]) & 1) === 1 && mine(d) && test(d));

  /** One class about one person in one family; either may be unknown. */
  const opened = (c: PersonalClass, family: number | null, person: number | null): boolean => {
    const about = person === null ? [] : familiesOf(person).map((m) => m.family);
    const family_ = (d: Row) => d.person === null && (family === null ? about.includes(d.family) : d.family === family);
    const person_ = (d: Row) => person !== null && d.person === person;
    if (decided('WITHHOLD', c, (d) => family_(d) || person_(d))) return false;
    if (level(c) === 'A' || level(c) === 'R') return true;
    return (level(c) === 'D' || level(c) === 'O/D') && decided('SHARE', c, (d) => family_(d) || person_(d));
  };

  /** What a person asks of every row about them besides its class. */
  const needs = (person: number): PersonalClass[] => {
    const seen = familiesOf(person);
    const born = seen.some((m) => m.unbornBy === null);
    return born || seen.some((m) => m.unbornBy === organisationId) ? [] : ['CLINICAL'];
  };

  return {
    organisation,
    /** `denied`: the table may not be named at all. */
    table: (table: TableClass): 'denied' | 'rows' =>
      agency === 'EVALUATOR' || (table.dataClass !== 'STRUCTURE' && level(table.dataClass as PersonalClass) === 'N') ? 'denied' : 'rows',
    sees(table: TableClass, raw: Row): boolean {
      const row = number(raw);
      const family: number | null = table.family ? row[table.family] : null;
      const person: number | null = table.person ? row[table.person] : null;
      const own = table.dataClass as PersonalClass;
      const wanted = [...(table.dataClass === 'STRUCTURE' ? [] : [own]), ...(table.rowMask ? classesOf(row[table.rowMask]) : [])];
      const byGrant = (classes: PersonalClass[]) => {
        const seen = family === null ? 'all' : access(family);
        if (seen === null) return false;
        if (person !== null && familiesOf(person).length === 0) return false;
        const other: number | null = table.other ? row[table.other] : null;
        if (other !== null && (familiesOf(other).length === 0 || ![own, ...needs(other)].every((c) => opened(c, family, other))))
          return false;
        if (table.keptFrom && seen !== 'all' && [...seen].every((p) => row.kept_from.includes(p))) return false;
        return [...classes, ...(person === null ? [] : needs(person))].every((c) => opened(c, family, person));
      };
      // Between organisations: whom the row names sees it, at every level but those that know no own rows.
      if (!table.family && !table.person && table.dataClass !== 'STRUCTURE') {
        // Of a column that counts only while another row stands: once that row is over, the column names nobody.
        const standing = table.own?.standing;
        const whole = standing && world.by.get(standing.table)?.find(({ id }) => id === row[standing.key]);
        const past = standing && (!whole || standing.over.includes(whole.status)) ? standing.column : null;
        const named = ['sender', 'addressee', 'controller', 'recipient', 'provider'].some(
          (column) => column !== past && row[column] === organisationId,
        );
        return named && level(own) !== 'N' && level(own) !== 'D';
      }
      // What names no family yet is its own organisations' alone.
      if (table.familyOptional && family === null)
        return level(own) !== 'N' && level(own) !== 'D' && (table.own?.columns ?? []).some((column) => row[column] === organisationId);
      // What only those see whose own it is: the county, by its grant.
      if (!(table.ownOnly && agency !== 'LA') && byGrant(wanted)) return true;
      if (!table.own || table.dataClass === 'STRUCTURE') return false;
      const levels = wanted.map(level);
      if (levels.includes('N') || level(own) === 'D') return false;
      // The county has a grant on every family there is; a decision that withholds from it withholds its own rows too.
      // Of a table of which it has own rows, the class of the row alone needs no decision.
      if (agency === 'LA' && level(own) === 'A' && !(table.ownRows && byGrant([own]))) return false;
      // A class that comes by decision alone has no own rows.
      if (levels.slice(1).includes('D')) return false;
      if (!table.family && level(own) !== 'O' && level(own) !== 'O/D') return false;
      if (family !== null && world.families.get(family)?.restricted) return false;
      if (table.own.columns.some((column) => row[column] === organisationId)) return true;
      const ways = THROUGH[table.name] ?? [];
      if (ways.length > 0 !== Boolean(table.own.through))
        throw new Error(`${table.name}: the oracle does not know what it is own through.`);
      return ways.some((way) =>
        world.by
          .get(way.table)
          ?.some(
            (other) =>
              other[way.key] === way.of(row) &&
              NAMED.some((column) => other[column] === organisationId) &&
              (way.where?.(other) ?? true) &&
              this.sees(tableNamed(way.table), other),
          ),
      );
    },
  };
}

function tableNamed(name: string): TableClass {
  const found = classifiedTables().find((table) => table.name === name);
  if (!found) throw new Error(`There is no table ${name}.`);
  return found;
}
