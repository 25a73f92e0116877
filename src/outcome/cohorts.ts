/**
 * Cohorts, in SQL over the record (docs/evaluation.md has the definitions). Who belongs to one is written down nowhere: it follows from when
 * children came to be open to social care, so that a correction of the record corrects it. Its figures are of the year in which its members'
 * follow-up ended: then each was followed as long as the others, and nobody is added to it later.
 */

/** A person under the first of their ids. */
export const one = (person: string) =>
  `coalesce((select least(${person}, min(s.other)) from fsp.person_same s where s.person = ${person}), ${person})`;

/** How far a child came, from the least intensive to the most: categories of REACHED. */
export const RUNGS = ['CHILD_IN_NEED', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'] as const;

const rung = (name: (typeof RUNGS)[number]) => RUNGS.indexOf(name) + 1;

/**
 * `spell`: a child's referrals taken, plans, pre-proceedings and placements, each by its rung and days; `member`: the children of each cohort,
 * from the first day in its window on which they came and none of that was open.
 */
const MEMBERS = `
  same as (select x.person, least(x.person, min(x.other)) as first from fsp.person_same x group by x.person),
  spell as materialized (
    select coalesce(o.first, s.person) as person, s.family, s.rung, daterange(s.since, case when s.until < s.since then s.since else s.until end) as days
    from (
      select person, family, ${rung('CHILD_IN_NEED')} as rung, referred_on as since, closed_on as until from fsp.episode where not no_further_action
      union all select person, family, array_position(array[${RUNGS.map((name) => `'${name}'`).join(', ')}], kind), started, ended from fsp.plan where kind <> 'EARLY_HELP'
      union all select person, family, ${rung('PRE_PROCEEDINGS')}, started_on, ended_on from fsp.pre_proceedings
      union all select person, family, ${rung('LOOKED_AFTER')}, started_on, ended_on from fsp.placement) s
    left join same o on o.person = s.person),
  member as materialized (
    select distinct on (c.code, r.person) c.code as cohort, r.person, s.family, r.entered, (r.entered + make_interval(months => c.follow_up_months))::date as day
    from (select u.person, lower(u.days) as entered from (select person, unnest(range_agg(days)) as days from spell group by person) u) r
    join fsp.cohort c on c.status <> 'to-set' and r.entered >= c.entered_from and (c.entered_until is null or r.entered <= c.entered_until)
    join spell s on s.person = r.person and lower(s.days) = r.entered
    order by c.code, r.person, r.entered, s.rung, s.family)`;

/** The families of each cohort: from the day on which their first child entered it. */
const FAMILIES = `${MEMBERS},
  entered as materialized (
    select * from (select distinct on (m.cohort, m.family) m.cohort, m.family, m.entered, m.day from member m order by m.cohort, m.family, m.entered) f
    where f.day >= $1 and f.day < $2)`;

/** What is said of each child whose follow-up ended: `num` in SQL over `m`, and `s`, the spells in its follow-up. */
const ofChildren = (num: string, more = '') => `
  with ${MEMBERS}
  select m.day, m.family, m.person, m.cohort, ${num} as num, 1 as den${more}
  from member m join spell s on s.person = m.person and s.days && daterange(m.entered, m.day)
  where m.day >= $1 and m.day < $2 group by m.cohort, m.family, m.person, m.entered, m.day`;

/** Days of the follow-up on which one of these spells stood, each once. */
const daysOf = (spells: string) =>
  ofChildren(`coalesce((select sum(upper(u.days) - lower(u.days))
    from unnest(range_agg(s.days) filter (where ${spells}) * multirange(daterange(m.entered, m.day))) u (days)), 0)`);

/** Steps in the follow-up. */
const steps = (direction: 'UP' | 'DOWN') => `
  with ${MEMBERS},
  step as (select coalesce(o.first, e.person) as person, e.stepped_on from fsp.step_event e left join same o on o.person = e.person where e.direction = '${direction}')
  select m.day, m.family, m.person, m.cohort, count(e.person) as num, 1 as den
  from member m left join step e on e.person = m.person and e.stepped_on >= m.entered and e.stepped_on < m.day
  where m.day >= $1 and m.day < $2 group by m.cohort, m.family, m.person, m.day`;

/** Months of the follow-up at whose end a child of the family was open: how many of them `what` is true of, in SQL over `o`. */
const openMonths = (what: string) => `
  with ${FAMILIES},
  open as (
    select distinct f.cohort, f.family, f.day, e.at from entered f
    cross join lateral (select (g + interval '1 month' - interval '1 day')::date as at from generate_series(date_trunc('month', f.entered), f.day - 1, interval '1 month') g) e
    join spell s on s.family = f.family and s.days @> e.at where e.at < f.day)
  select o.day, o.family, null::bigint as person, o.cohort, (${what})::int as num, 1 as den from open o`;

/** What is said of each family whose follow-up ended. */
const ofFamilies = (columns: string, from: string) => `
  with ${FAMILIES}
  select f.day, f.family, null::bigint as person, f.cohort, ${columns} from ${from}`;

const CHILDREN = 'children of cohorts';
const OPEN_MONTHS = 'open months of cohorts';
const COHORT = ['COHORT'] as const;

/** How many of a family's practitioners of adult disciplines are involved on a day, in SQL. */
export const adultDisciplines = (family: string, day: string) =>
  `(select count(distinct coalesce(i.practitioner, i.worker, i.id::text)) from fsp.involvement i
    where i.family = ${family} and i.role in ('adult-facing-practitioner', 'provider-practitioner')
      and i."from"::date <= ${day} and (i.until::date is null or i.until::date > ${day}))`;

/** How each figure of cohorts is counted, as `FACTS` has it. */
export const COHORT_FACTS = {
  'cohort-children': {
    persons: true,
    cases: CHILDREN,
    gives: ['COHORT', 'REACHED'],
    sql: ofChildren('1', `, (array[${RUNGS.map((name) => `'${name}'`).join(', ')}])[max(s.rung)] as reached`),
  },
  'days-in-need': { persons: true, cases: CHILDREN, gives: COHORT, sql: daysOf('true') },
  'days-on-plan': { persons: true, cases: CHILDREN, gives: COHORT, sql: daysOf(`s.rung = ${rung('CHILD_PROTECTION')}`) },
  'days-in-care': { persons: true, cases: CHILDREN, gives: COHORT, sql: daysOf(`s.rung = ${rung('LOOKED_AFTER')}`) },
  'cohort-step-ups': { persons: true, cases: CHILDREN, gives: COHORT, sql: steps('UP') },
  'cohort-step-downs': { persons: true, cases: CHILDREN, gives: COHORT, sql: steps('DOWN') },
  'cohort-families': { persons: false, cases: 'families of cohorts', gives: COHORT, sql: ofFamilies('1 as num, 1 as den', 'entered f') },
  'cohort-worker-changes': {
    persons: false,
    cases: 'families of cohorts',
    gives: COHORT,
    sql: ofFamilies(
      `greatest((select count(*) filter (where w.other) from (
        select l.practitioner is distinct from lag(l.practitioner) over (order by l."from", l.id) as other from fsp.involvement l
        where l.family = f.family and l.lead and l."from"::date < f.day and (l.until is null or l.until::date > f.entered)) w) - 1, 0) as num, 1 as den`,
      'entered f',
    ),
  },
  'cohort-multi-disciplinary-team': {
    persons: false,
    cases: OPEN_MONTHS,
    gives: COHORT,
    sql: openMonths(`${adultDisciplines('o.family', 'o.at')} >= 2`),
  },
  'cohort-workbook-use': {
    persons: false,
    cases: OPEN_MONTHS,
    gives: COHORT,
    sql: openMonths(
      'exists (select from fsp.workbook_entry w where w.family = o.family and w.occurred_at >= o.at - 27 and w.occurred_at < o.at + 1)',
    ),
  },
  'cohort-group-supervision': {
    persons: false,
    cases: OPEN_MONTHS,
    gives: COHORT,
    sql: openMonths(
      `exists (select from fsp.group_supervision g where g.family = o.family and g.held_on >= date_trunc('month', o.at)::date and g.held_on <= o.at)`,
    ),
  },
  'cohort-motivational-interviewing': {
    persons: false,
    cases: 'Workbook entries of cohorts',
    gives: COHORT,
    sql: ofFamilies(
      '(exists (select from fsp.workbook_mi_practice p where p.entry = w.id))::int as num, 1 as den',
      `entered f join fsp.workbook_entry w on w.family = f.family
        and (w.occurred_at at time zone 'Europe/London')::date >= f.entered and (w.occurred_at at time zone 'Europe/London')::date < f.day`,
    ),
  },
  'cohort-relationships': {
    persons: false,
    cases: 'answers of cohorts',
    gives: COHORT,
    sql: ofFamilies(
      `num_nonnulls(nullif(r.listened, false), nullif(r.comfortable, false), nullif(r.independence, false), nullif(r.knew_me, false)) as num,
      num_nonnulls(r.listened, r.comfortable, r.independence, r.knew_me) as den`,
      'entered f join fsp.relationship_feedback r on r.family = f.family and r.said_on >= f.entered and r.said_on < f.day',
    ),
  },
} as const;
