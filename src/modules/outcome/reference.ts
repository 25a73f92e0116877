/** The framework's reference data: what an entry of its files must be, and the rows it becomes. */
import { z } from 'zod';
import { AGENCIES, PERSONAL_CLASSES } from '../../access/classes.ts';
import { day, key, longSlug, text } from '../../db/shapes.ts';
import { CONCERNS } from '../assessment/concerns.ts';
import { COUNTED, GRAINS, INGREDIENTS, KINDS, OBSERVED_BY } from './tables.ts';

const decimal = z.string().regex(/^-?\d{1,12}(\.\d{1,4})?$/, 'must be a decimal');
const oneOf = <const T extends readonly [string, ...string[]]>(words: T) => z.enum(words, `must be one of ${words.join(', ')}`);

export const INDICATOR = z
  .strictObject({
    id: key,
    code: longSlug,
    name: text,
    factorGroup: oneOf(['CHILDREN_AND_YOUNG_PEOPLE', 'PARENTAL', 'PARTNERSHIP', 'PROCESS']),
    goodDirection: oneOf(['UP', 'DOWN', 'NEUTRAL']),
    ownerAgency: oneOf(AGENCIES),
    inCountyGift: z.boolean(),
    kind: oneOf(KINDS),
    stock: z.boolean(),
    counts: oneOf(COUNTED),
    per: z.int().positive().nullable(),
    grain: oneOf(GRAINS),
    /** Null: it is worked out from the record. */
    observedBy: oneOf(OBSERVED_BY).nullable(),
    dataClass: oneOf(PERSONAL_CLASSES as [(typeof PERSONAL_CLASSES)[number], ...typeof PERSONAL_CLASSES]).nullable(),
    ingredient: oneOf(INGREDIENTS).nullable(),
    concern: oneOf(CONCERNS).nullable(),
    publicHealthOutcomes: z.array(text),
    versions: z
      .array(z.strictObject({ version: text, definition: text, unit: text, validFrom: day, validTo: day.nullable() }))
      .min(1, 'has at least one version'),
    source: text,
  })
  .refine(({ kind, per }) => (kind === 'RATE') === (per !== null), 'per: a rate, and nothing else, is of so many')
  .refine(
    ({ observedBy, dataClass }) => (observedBy === 'PERSON' || observedBy === 'FAMILY') === (dataClass !== null),
    'dataClass: what is observed of a person or a family, and nothing else, has one',
  );

export const OUTCOME_FILES = {
  benchmarks: z.strictObject({
    id: key,
    indicator: longSlug.nullable(),
    body: text,
    measure: text,
    changePercent: decimal.nullable(),
    value: decimal.nullable(),
    unit: text,
    asPrinted: text,
    edition: oneOf(['SOURCE_PAPER', 'EVALUATION']),
    period: text,
    source: text,
  }),
  populations: z.strictObject({
    id: key,
    area: z.string().nullable(),
    ageFrom: z.int().min(0),
    ageTo: z.int().max(120),
    sex: text.nullable(),
    validFrom: day,
    validTo: day.nullable(),
    value: key,
    source: text,
  }),
  cohorts: z
    .strictObject({
      code: z.string().regex(/^[A-Z][A-Z0-9_]{1,39}$/, 'must be at most 40 of A-Z, 0-9 and _'),
      name: text,
      enteredFrom: day.nullable(),
      enteredUntil: day.nullable(),
      followUpMonths: key.max(120).nullable(),
      source: text,
      status: oneOf(['to-set', 'authority']),
    })
    .refine(
      ({ status, enteredFrom, followUpMonths }) => status === 'to-set' || (enteredFrom !== null && followUpMonths !== null),
      'status: without its first day and the months of its follow-up it is to be set',
    ),
  'suppression-rules': z.strictObject({
    code: z.string().regex(/^[A-Z][A-Z0-9_]{1,39}$/, 'must be at most 40 of A-Z, 0-9 and _'),
    name: text,
    marker: text.max(3),
    lowest: key,
    highest: key,
    zeroShown: z.boolean(),
    secondary: z.boolean(),
    cover: z.boolean(),
    roundTo: key.nullable(),
    decimals: z.int().min(0).max(4),
    note: text.nullable(),
    source: text,
    chosen: z.boolean(),
  }),
};

type Files = typeof OUTCOME_FILES;
export type OutcomeData = { indicators: z.infer<typeof INDICATOR>[] } & { [F in keyof Files]: z.infer<Files[F]>[] };

type Fault = { file: keyof OutcomeData; index: number; words: string };

/** Whether two spans of days, whose ends belong to neither, have a day in common. */
const overlap = (one: { validFrom: string; validTo: string | null }, other: typeof one) =>
  (one.validTo ?? '9999') > other.validFrom && (other.validTo ?? '9999') > one.validFrom;

/** The first entry that does not go with the others, and why. */
export function outcomeFault({ indicators, benchmarks, populations, cohorts, ...files }: OutcomeData): Fault | null {
  const rules = files['suppression-rules'];
  const faults: Fault[] = [];
  for (const [index, { versions }] of indicators.entries()) {
    for (const [n, version] of versions.entries()) {
      if (version.validTo !== null && version.validTo <= version.validFrom)
        faults.push({ file: 'indicators', index, words: `version ${version.version} ends before it begins.` });
      if (versions.slice(0, n).some((other) => overlap(other, version) || other.version === version.version))
        faults.push({ file: 'indicators', index, words: `version ${version.version} stands beside another of the same days or name.` });
    }
  }
  for (const [index, entry] of populations.entries()) {
    if (entry.ageTo < entry.ageFrom) faults.push({ file: 'populations', index, words: 'ageTo: is before ageFrom.' });
    const same = (other: typeof entry) =>
      other.area === entry.area && other.ageFrom === entry.ageFrom && other.ageTo === entry.ageTo && other.sex === entry.sex;
    if (populations.slice(0, index).some((other) => other.id === entry.id || (same(other) && overlap(other, entry))))
      faults.push({ file: 'populations', index, words: 'another entry has the same id, or is of the same people and days.' });
  }
  for (const [index, { id }] of benchmarks.entries())
    if (benchmarks.slice(0, index).some((other) => other.id === id))
      faults.push({ file: 'benchmarks', index, words: `another entry has the id ${id}.` });
  const met = cohorts.filter(({ status }) => status !== 'to-set');
  for (const [index, entry] of cohorts.entries()) {
    const { code, enteredFrom, enteredUntil } = entry;
    if (enteredFrom !== null && enteredUntil !== null && enteredUntil < enteredFrom)
      faults.push({ file: 'cohorts', index, words: 'enteredUntil: is before enteredFrom.' });
    const other = met
      .slice(0, Math.max(0, met.indexOf(entry)))
      .find((one) => (one.enteredUntil ?? '9999') >= (enteredFrom ?? '') && (enteredUntil ?? '9999') >= (one.enteredFrom ?? ''));
    if (other) faults.push({ file: 'cohorts', index, words: `has days in common with ${other.code}.` });
    if (cohorts.slice(0, index).some((one) => one.code === code))
      faults.push({ file: 'cohorts', index, words: `another entry has the code ${code}.` });
  }
  const [, second] = rules.flatMap(({ chosen }, index) => (chosen ? [index] : []));
  if (second !== undefined || !rules.some(({ chosen }) => chosen))
    faults.push({ file: 'suppression-rules', index: second ?? 0, words: 'exactly one rule is chosen.' });
  for (const [index, { lowest, highest }] of rules.entries())
    if (highest < lowest) faults.push({ file: 'suppression-rules', index, words: 'highest: is less than lowest.' });
  return faults[0] ?? null;
}

type Rows = { table: string; keys: string[]; rows: Record<string, unknown>[] };

/** The rows of the framework's reference data, table by table, in the order in which they are written. */
export function outcomeRows({ indicators, benchmarks, populations, cohorts, ...files }: OutcomeData): Rows[] {
  const ids = new Map(indicators.map(({ code, id }) => [code, id]));
  const latest = ({ versions }: (typeof indicators)[number]) =>
    versions.reduce((last, version) => (version.validFrom > last.validFrom ? version : last));
  return [
    {
      table: 'outcome_indicator',
      keys: ['id'],
      rows: indicators.map((entry) => {
        const { versions: _versions, ...indicator } = entry;
        return { ...indicator, derived: entry.observedBy === null, ...latest(entry) };
      }),
    },
    {
      table: 'indicator_version',
      keys: ['indicator', 'version'],
      rows: indicators.flatMap(({ id, source, versions }) => versions.map((version) => ({ indicator: id, ...version, source }))),
    },
    {
      table: 'indicator_benchmark',
      keys: ['id'],
      rows: benchmarks.map((entry) => ({ ...entry, indicator: entry.indicator === null ? null : ids.get(entry.indicator) })),
    },
    { table: 'population', keys: ['id'], rows: populations },
    { table: 'cohort', keys: ['code'], rows: cohorts.filter(({ status }) => status !== 'to-set') },
    { table: 'suppression_rule', keys: ['code'], rows: files['suppression-rules'] },
  ];
}

/** Rows of the cohorts of which the authority has yet to say who is in them. */
export const cohortsToSet = ({ cohorts }: OutcomeData): Record<string, unknown>[] =>
  cohorts.flatMap(({ enteredFrom, enteredUntil, followUpMonths, ...entry }) =>
    entry.status === 'to-set'
      ? [{ ...entry, entered_from: enteredFrom, entered_until: enteredUntil, follow_up_months: followUpMonths }]
      : [],
  );
