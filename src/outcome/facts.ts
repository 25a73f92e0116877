/**
 * What each derived indicator counts, in SQL over the record: rows (`day`, `family`, `person`, `num`, `den`), of which a figure is the sum.
 * `$1` is the first day, of a month, and `$2` the day after the last. Nothing of it is typed in by anybody. What was retracted is no longer
 * in its table, and so is in no figure; two ids that were found to be one person are counted as one.
 */
import { adultDisciplines, COHORT_FACTS, one } from './cohorts.ts';
import type { Given } from './dimensions.ts';

/** The last days of the months from `$1` on: what stands is counted on them. */
const MONTH_ENDS = `(select (m + interval '1 month' - interval '1 day')::date as day from generate_series($1::date, $2::date - 1, interval '1 month') m)`;

/** SQL that a period with these columns holds on a day; it ends on the day before its end. */
const on = (day: string, from: string, until: string) => `${from} <= ${day} and (${until} is null or ${until} > ${day})`;

/** Families of whom a child is open to social care at the end of each month. */
const OPEN_FAMILIES = `(select distinct e.day, o.family from ${MONTH_ENDS} e join fsp.episode o on not o.no_further_action and ${on('e.day', 'o.referred_on', 'o.closed_on')})`;

/** Families whose last open episode ended, with the day, and how many lead workers they had in a row from the first assessment on. */
const CLOSED_FAMILIES = `(
  select c.family, c.day, (select count(*) from (
      select l.practitioner is distinct from lag(l.practitioner) over (order by l."from", l.id) as other
      from fsp.involvement l where l.family = c.family and l.lead and l."from"::date <= c.day) w where w.other) as workers
  from (select o.family, max(o.closed_on) as day from fsp.episode o where not o.no_further_action
    group by o.family having bool_and(o.closed_on is not null)) c
  where c.day >= $1 and c.day < $2)`;

/** The concerns that the latest assessment authorised by a day found in a family, in anybody of the household. */
export const concernsOn = (family: string, day: string): string =>
  `(select array_agg(distinct c.concern) from fsp.assessment_factor af join fsp.factor_concern c on c.factor = af.code and c.variant = 'ANY_IN_HOUSEHOLD'
     and ${on(day, 'c.valid_from', 'c.valid_to')}
   where not af.withdrawn and af.assessment in (select distinct on (a.person) a.id from fsp.assessment a
     where a.family = ${family} and a.authorised_on <= ${day} and a.cancelled_on is null order by a.person, a.authorised_on desc, a.id desc))`;

const childrenWith = (table: string, from: string, until: string, where: string) =>
  `select distinct e.day, p.family, ${one('p.person')} as person, 1 as num, 1 as den from ${MONTH_ENDS} e join fsp.${table} p on ${where} and ${on('e.day', from, until)}`;

/** Families' latest readings of a tool in each quarter: a sum of scores, of so many. */
const latestOf = (tool: string) => `
    select distinct on (r.family, date_trunc('quarter', r.read_on)) r.read_on as day, r.family, null::bigint as person, r.total as num, 1 as den
    from fsp.tool_reading r join fsp.tool t on t.id = r.tool and t.code = '${tool}'
    where not r.withdrawn and r.total is not null and r.read_on >= $1 and r.read_on < $2
    order by r.family, date_trunc('quarter', r.read_on), r.read_on desc, r.id desc`;

/**
 * How a derived indicator is counted. `persons`: its cases are persons; else families, of whom nobody has an age. `cases`: what its denominators
 * count: where two indicators count the same, what is withheld of one is withheld of the other, too. `gives`: dimensions of which its rows have
 * the category, under the dimension's name in small letters.
 */
export type Facts = { sql: string; persons: boolean; cases: string; gives?: readonly Given[] };

/** Steps from one kind of plan to another. */
const stepsOf = (direction: 'UP' | 'DOWN'): Facts => ({
  persons: true,
  cases: 'steps',
  gives: ['FLOW'],
  sql: `
    select e.stepped_on as day, e.family, ${one('e.person')} as person, coalesce(e."from", 'NONE') || '>' || e."to" as flow, 1 as num, 1 as den
    from fsp.step_event e where e.direction = '${direction}' and e.stepped_on >= $1 and e.stepped_on < $2`,
});

const BY_CODE: Record<string, Facts> = {
  ...COHORT_FACTS,
  'step-up': stepsOf('UP'),
  'step-down': stepsOf('DOWN'),
  'home-environment': { persons: false, cases: 'readings of the home', sql: latestOf('HOME_ENVIRONMENT') },
  'family-relationship': { persons: false, cases: 'readings of relationships', sql: latestOf('FAMILY_RELATIONSHIP') },
  'repeat-referrals': {
    persons: false,
    cases: 'referrals taken',
    sql: `
    select c.received_on as day, c.family, null::bigint as person, c.repeat::int as num, 1 as den
    from fsp.contact c where c.outcome = 'REFERRAL' and c.received_on >= $1 and c.received_on < $2`,
  },
  'repeat-protection-plans': {
    persons: true,
    cases: 'protection plans begun',
    sql: `
    select p.started as day, p.family, ${one('p.person')} as person, (coalesce(p.previous_plans, 0) > 0)::int as num, 1 as den
    from fsp.plan p where p.kind = 'CHILD_PROTECTION' and p.started >= $1 and p.started < $2`,
  },
  'protection-plan-rate': {
    persons: true,
    cases: 'protection plans',
    sql: childrenWith('plan', 'p.started', 'p.ended', `p.kind = 'CHILD_PROTECTION'`),
  },
  'protection-plans': {
    persons: true,
    cases: 'protection plans',
    sql: childrenWith('plan', 'p.started', 'p.ended', `p.kind = 'CHILD_PROTECTION'`),
  },
  'entering-care-rate': {
    persons: true,
    cases: 'entries to care',
    sql: `
    select distinct on (${one('p.person')}, p.looked_after_since) p.looked_after_since as day, p.family, ${one('p.person')} as person, 1 as num, 1 as den
    from fsp.placement p where p.looked_after_since >= $1 and p.looked_after_since < $2 order by ${one('p.person')}, p.looked_after_since, p.id`,
  },
  'looked-after-children': {
    persons: true,
    cases: 'children looked after',
    sql: childrenWith('placement', 'p.started_on', 'p.ended_on', 'true'),
  },
  'open-cases': {
    persons: true,
    cases: 'open cases',
    sql: childrenWith('episode', 'p.referred_on', 'p.closed_on', 'not p.no_further_action'),
  },
  'multi-disciplinary-team': {
    persons: false,
    cases: 'open families',
    sql: `
    select f.day, f.family, null::bigint as person, (${adultDisciplines('f.family', 'f.day')} >= 2)::int as num, 1 as den
    from ${OPEN_FAMILIES} f`,
  },
  'motivational-interviewing': {
    persons: false,
    cases: 'Workbook entries',
    sql: `
    select (w.occurred_at at time zone 'Europe/London')::date as day, w.family, null::bigint as person,
      (exists (select from fsp.workbook_mi_practice m where m.entry = w.id))::int as num, 1 as den
    from fsp.workbook_entry w where (w.occurred_at at time zone 'Europe/London')::date >= $1 and (w.occurred_at at time zone 'Europe/London')::date < $2`,
  },
  'workbook-use': {
    persons: false,
    cases: 'open families',
    sql: `
    select f.day, f.family, null::bigint as person, (exists (select from fsp.workbook_entry w where w.family = f.family
        and w.occurred_at >= f.day - 27 and w.occurred_at < f.day + 1))::int as num, 1 as den
    from ${OPEN_FAMILIES} f`,
  },
  'group-supervision-held': {
    persons: false,
    cases: 'open families',
    sql: `
    select f.day, f.family, null::bigint as person, (exists (select from fsp.group_supervision g where g.family = f.family
        and g.held_on >= date_trunc('month', f.day)::date and g.held_on <= f.day))::int as num, 1 as den
    from ${OPEN_FAMILIES} f`,
  },
  'worker-changes': {
    persons: false,
    cases: 'closed families',
    sql: `select c.day, c.family, null::bigint as person, greatest(c.workers - 1, 0) as num, 1 as den from ${CLOSED_FAMILIES} c`,
  },
  'one-worker': {
    persons: false,
    cases: 'closed families',
    sql: `select c.day, c.family, null::bigint as person, (c.workers <= 1)::int as num, 1 as den from ${CLOSED_FAMILIES} c`,
  },
  relationships: {
    persons: true,
    cases: 'answers',
    sql: `
    select r.said_on as day, r.family, ${one('r.person')} as person, num_nonnulls(nullif(r.listened, false), nullif(r.comfortable, false),
        nullif(r.independence, false), nullif(r.knew_me, false)) as num,
      num_nonnulls(r.listened, r.comfortable, r.independence, r.knew_me) as den
    from fsp.relationship_feedback r where r.said_on >= $1 and r.said_on < $2`,
  },
};

/** By the indicator's code; authorities call some by other names. */
export const FACTS: Readonly<Record<string, Facts | undefined>> = {
  ...BY_CODE,
  'children-in-care': BY_CODE['looked-after-children'],
  're-referrals': BY_CODE['repeat-referrals'],
};

/** The day of a period that stands for it: of what is counted on a day the last, at whose end it stood. */
const dayOf = ({ stock, grain }: { stock: boolean; grain: string }) => (stock ? `fsp.period_end('${grain}', o.starts) - 1` : 'o.starts');

/** What was reported of families and persons; `$3` is the indicator. */
export const observed = (of: { stock: boolean; grain: string }): string => `
  select ${dayOf(of)} as day, o.family, ${one('o.person')} as person, o.count as num, coalesce(o.base, 1) as den
  from fsp.observation o where o.indicator = $3 and o.current and o.count is not null and o.starts >= $1 and o.starts < $2`;

/** What was reported of areas. */
export const observedOfAreas = (of: { stock: boolean; grain: string }): string => `
  select ${dayOf(of)} as day, o.area, o.count as num, o.base as den, o.persons as units
  from fsp.observation_area o where o.indicator = $3 and o.current and o.count is not null and o.starts >= $1 and o.starts < $2`;
