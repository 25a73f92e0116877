/**
 * What an evaluator is given: the rules (`reference/england/extract-rules.json`), the dictionary made of them, and a child's facts as the
 * rows that they allow. Pure.
 *
 * Of the calendar a row tells the month of entry alone. Everything later is told in whole months since, and of everybody for as many days:
 * how long an open spell has lasted by the day of the extract would tell when it began. So what the check before release makes coarser is so
 * in every row of a child.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import file from '../../../reference/england/extract-rules.json' with { type: 'json' };
import { text } from '../../db/shapes.ts';
import { type AnonymityReport, type AnonymityRules, anonymise, type Row, type Step } from '../../outcome/anonymity.ts';

export const ROW_KINDS = ['CHILD', 'SPELL', 'EVENT'] as const;
export type RowKind = (typeof ROW_KINDS)[number];

/** From the least intensive on. */
export const STATUSES = ['IN_NEED', 'ON_PLAN', 'PRE_PROCEEDINGS', 'IN_CARE'] as const;
export type Status = (typeof STATUSES)[number];

/** How coarse a value is told, and what the dictionary says of it. */
const COARSENED = {
  PSEUDONYM: 'a keyed hash, 128 bits in hexadecimal',
  YEAR: 'the year',
  MONTH: 'the first of its month',
  MONTHS: 'whole months of the calendar since the month of entry',
  DAYS: 'to the nearest whole week',
  GROUP: 'in groups',
} as const;

const column = z.strictObject({
  kind: z.enum(ROW_KINDS),
  name: z.string().regex(/^[a-z][A-Za-z]{1,39}$/),
  type: z.enum(['TEXT', 'INTEGER', 'DATE', 'BOOLEAN', 'LIST']),
  meaning: text,
  to: z.enum(Object.keys(COARSENED) as [keyof typeof COARSENED, ...(keyof typeof COARSENED)[]]).optional(),
  known: z.literal(true).optional(),
});

const { entries, ladder, k, leaveOut, learnt } = z
  .strictObject({
    source: text,
    licence: text,
    k: z.int().min(5),
    leaveOut: z.number().min(0).max(1),
    learnt: z.string(),
    ladder: z.array(z.looseObject({ column: z.string() })),
    entries: z.array(column),
  })
  .parse(file);

/** What is known of a child from elsewhere fits k children of an extract, or none. */
export const CHECK: AnonymityRules = {
  k,
  person: 'child',
  known: entries.flatMap(({ kind, name, known }) => (kind === 'CHILD' && known ? [name] : [])),
  learnt,
  ladder: ladder as Step[],
  leaveOut,
};

const STEPS = { QUARTER: 'quarter', YEAR: 'year', BAND: 'band of years', VALUE: 'nothing' } as const;

/** The data dictionary, as rows of `extract_column`. `coarsened`: how, and what the check may make of it where it has to. */
export const DICTIONARY = entries.map(({ kind, name, type, meaning, to, known = false }, index) => {
  const further = kind === 'CHILD' ? CHECK.ladder.filter((step) => step.column === name).map((step) => STEPS[step.to]) : [];
  const parts = [
    ...(to ? [COARSENED[to]] : []),
    ...(further.length > 0 ? [`where the check asks for it: ${further.join(', then ')}`] : []),
  ];
  return { id: index + 1, kind, name, type, meaning, coarsened: parts.length > 0 ? parts.join('; ') : null, checked: known };
});

/** What the database tells of a child (`fsp.extract_facts`): days in ISO, keys as numbers; `until` is the day from which nothing more is told. */
export type Facts = {
  person: number;
  family: number;
  born: string;
  sex: string;
  ethnicGroup: string;
  disabled: string;
  district: string;
  entered: string;
  until: string;
  knownBefore: boolean;
  concerns: string[];
  spells: { status: Status; from: string; until: string | null }[];
  events: { event: 'REFERRAL' | 'STEP_UP' | 'STEP_DOWN'; on: string }[];
};

/** A row as it is kept: the keys, and the columns of its kind. */
export type ExtractRow = { family: number; person: number; kind: RowKind; child: string } & Record<string, unknown>;

/** A person's pseudonym for whom the key is of: HMAC-SHA-256, its first half. */
export const pseudonymOf = (key: Buffer, person: number): string =>
  createHmac('sha256', key).update(`Person-${person}`).digest('hex').slice(0, 32);

const monthsBetween = (from: string, to: string): number =>
  (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(to.slice(5, 7)) - Number(from.slice(5, 7));
const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 86_400_000;
const toWeeks = (days: number): number => Math.round(days / 7) * 7;

type Span = { status: Status; from: string; until: string | null };

/**
 * How long everybody can be followed who entered by a day: the days to the one on which it is asked, in whole weeks.
 */
export const followUp = (enteredUntil: string, asAt: string): number => Math.max(0, Math.floor(daysBetween(enteredUntil, asAt) / 7) * 7);

/** The spells of a status while the child is followed; those that meet or overlap are one. `until`: the day after the last; null: it goes on. */
export function spellsOf({ entered, until, spells }: Facts): Span[] {
  return STATUSES.flatMap((status) => {
    const own = spells
      .map((spell) => ({
        ...spell,
        from: spell.from < entered ? entered : spell.from,
        until: spell.until !== null && spell.until >= until ? null : spell.until,
      }))
      .filter((spell) => spell.status === status && spell.from < until && (spell.until === null || spell.until > spell.from))
      .sort((a, b) => (a.from < b.from ? -1 : 1));
    const joined: Span[] = [];
    for (const spell of own) {
      const last = joined.at(-1);
      if (!last || (last.until !== null && last.until < spell.from)) joined.push({ ...spell });
      else if (last.until !== null && (spell.until === null || spell.until > last.until)) last.until = spell.until;
    }
    return joined;
  });
}

/** A child's rows, as coarse as the rules have it. */
export function rowsOf(facts: Facts, key: Buffer): ExtractRow[] {
  const { family, person, entered, until } = facts;
  const child = pseudonymOf(key, person);
  const spells = spellsOf(facts);
  const days = (status: Status) =>
    toWeeks(spells.reduce((sum, spell) => sum + (spell.status === status ? daysBetween(spell.from, spell.until ?? until) : 0), 0));
  const events = facts.events.filter(({ on }) => on >= entered && on < until);
  const count = (kind: string) => events.filter(({ event }) => event === kind).length;
  const of = { family, person, child };
  return [
    {
      ...of,
      kind: 'CHILD',
      born: Number(facts.born.slice(0, 4)),
      sex: facts.sex,
      ethnicGroup: facts.ethnicGroup,
      disabled: facts.disabled,
      district: facts.district,
      entered: `${entered.slice(0, 7)}-01`,
      knownBefore: facts.knownBefore,
      concerns: [...facts.concerns].sort(),
      highest: STATUSES.findLast((status) => spells.some((spell) => spell.status === status)) ?? 'NONE',
      daysInNeed: days('IN_NEED'),
      daysOnPlan: days('ON_PLAN'),
      daysPreProceedings: days('PRE_PROCEEDINGS'),
      daysInCare: days('IN_CARE'),
      referrals: count('REFERRAL'),
      stepsUp: count('STEP_UP'),
      stepsDown: count('STEP_DOWN'),
    },
    ...spells.map(
      (spell): ExtractRow => ({
        ...of,
        kind: 'SPELL',
        status: spell.status,
        startMonth: monthsBetween(entered, spell.from),
        endMonth: spell.until === null ? null : monthsBetween(entered, spell.until),
      }),
    ),
    ...events.map(({ event, on }): ExtractRow => ({ ...of, kind: 'EVENT', event, month: monthsBetween(entered, on) })),
  ];
}

/**
 * The rows of an extract: of children of whom k have in common what may be known of them, in the order of their pseudonyms, which says
 * nothing of anybody.
 *
 * @param before by pseudonym, what the recipient was given of a child already: it can lay extracts beside each other.
 */
export function extractOf(
  all: Facts[],
  key: Buffer,
  before: ReadonlyMap<string, string> = new Map(),
): { rows: ExtractRow[]; children: number; report: AnonymityReport } {
  const rows = all.flatMap((facts) => rowsOf(facts, key));
  const { rows: given, report } = anonymise(
    rows.flatMap((row): Row[] => {
      if (row.kind !== 'CHILD') return [];
      const { child } = row;
      return [
        {
          ...(Object.fromEntries([...CHECK.known, learnt].map((name) => [name, row[name]])) as Row),
          child,
          before: before.get(child) ?? null,
        },
      ];
    }),
    { ...CHECK, known: [...CHECK.known, 'before'] },
  );
  const known = new Map(given.map(({ before: _before, ...row }) => [row.child, row]));
  const kept = rows.flatMap((row): ExtractRow[] => {
    const coarser = known.get(row.child);
    if (!coarser) return [];
    return [row.kind === 'CHILD' ? { ...row, ...coarser, child: row.child } : row];
  });
  const place = ({ kind }: ExtractRow) => ROW_KINDS.indexOf(kind);
  kept.sort((a, b) => place(a) - place(b) || (a.child < b.child ? -1 : a.child > b.child ? 1 : 0));
  return { rows: kept, children: given.length, report };
}
