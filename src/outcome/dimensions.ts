/** Into which category of a breakdown a case falls, in SQL over a row `f` (`day`, `family`, `person`). */
import { concernsOn } from './facts.ts';

/** What is not on record is a category as well, so that the categories add up to the whole. */
export const UNKNOWN = 'UNKNOWN';

/** `many`: a case may be in several categories, or in none. `ofPersons`: only of what is counted by person. */
export type Dimension = { sql: string; many: boolean; ofPersons: boolean };

/** Dimensions that an indicator's own rows give (`Facts.gives`); others are not broken down by them. */
export type Given = 'COHORT' | 'REACHED' | 'FLOW';

const given = (name: Given): Dimension & { given: Given } => ({
  sql: `f.${name.toLowerCase()}`,
  many: false,
  ofPersons: false,
  given: name,
});

const orUnknown = (sql: string) => `coalesce((${sql}), '${UNKNOWN}')`;

const involved = (agency: string) =>
  `fsp.involvement i join fsp.organisation org on org.id = i.organisation and org.agency = '${agency}'
   where i.family = f.family and i."from"::date <= f.day and (i.until is null or i.until::date > f.day)`;

/** Years of age on the day. */
const AGE = `(select date_part('year', age(f.day, p.date_of_birth))::int as years from fsp.person_identity p where p.person = f.person and p.date_of_birth <= f.day)`;

/** Bands of the Department for Education's statistics of children in need; parents are 18 or older. */
const BANDS = `case when a.years < 1 then '0' when a.years < 5 then '1-4' when a.years < 10 then '5-9' when a.years < 16 then '10-15' when a.years < 18 then '16-17' else '18+' end`;

/** By their names in `Breakdown`. */
export const DIMENSIONS: Readonly<Record<string, Dimension & { given?: Given }>> = {
  // Each time that somebody comes is a case of its own, and in one cohort.
  COHORT: given('COHORT'),
  REACHED: given('REACHED'),
  FLOW: given('FLOW'),
  DISTRICT: {
    sql: orUnknown(
      `select h.district from fsp.household h where h.family = f.family and h."from" <= f.day and (h.until is null or h.until > f.day) order by h."from" desc, h.id limit 1`,
    ),
    many: false,
    ofPersons: false,
  },
  TEAM: {
    sql: orUnknown(`select org.code from ${involved('TEAM')} order by i.lead desc, i."from", i.id limit 1`),
    many: false,
    ofPersons: false,
  },
  PROVIDER: { sql: `(select array_agg(distinct org.code) from ${involved('PROVIDER')})`, many: true, ofPersons: false },
  FACTOR: { sql: concernsOn('f.family', 'f.day'), many: true, ofPersons: false },
  AGE: { sql: orUnknown(`select ${BANDS} from ${AGE} a`), many: false, ofPersons: true },
  SEX: { sql: orUnknown('select p.sex from fsp.person_identity p where p.person = f.person'), many: false, ofPersons: true },
  ETHNICITY: {
    sql: orUnknown(
      `select case when e.ethnicity in ('REFU', 'NOBT') then '${UNKNOWN}' when e.ethnicity = 'CHNE' then 'A' else left(e.ethnicity, 1) end from fsp.person_equality e where e.person = f.person`,
    ),
    many: false,
    ofPersons: true,
  },
  DISABILITY: {
    sql: orUnknown(
      `select case when bool_or(d.disability <> 'NONE') then 'YES' when count(*) > 0 then 'NONE' end from fsp.person_disability d where d.person = f.person and d.since <= f.day and (d.until is null or d.until > f.day)`,
    ),
    many: false,
    ofPersons: true,
  },
};

/** First and last year of age of a band, as the bases of rates have them. */
export const AGES: Readonly<Record<string, [number, number]>> = {
  '0': [0, 0],
  '1-4': [1, 4],
  '5-9': [5, 9],
  '10-15': [10, 15],
  '16-17': [16, 17],
};
