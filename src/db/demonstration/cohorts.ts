/**
 * What the demonstration's cohorts are followed through: earlier times at which children of the generated families came to the county, before
 * the model, in its transition and after. All of it is made up, also that fewer were stepped up after go-live.
 */
import type pg from 'pg';

const MADE_UP = 'made up for the demonstration; go-live alone, November 2020, is printed';

/**
 * Where the papers say nothing; in place of what is still to be set. `share`: of how many of a hundred children it is told that they came;
 * `spread`: within how many days; `ways`: how many of twenty went each of `WAYS`.
 */
const COHORTS = [
  { code: 'BEFORE', entered_from: '2019-04-01', entered_until: '2020-10-31', share: 62, spread: 540, ways: [6, 7, 3, 4] },
  { code: 'DURING', entered_from: '2020-11-01', entered_until: '2021-10-31', share: 48, spread: 330, ways: [9, 6, 2, 3] },
  { code: 'AFTER', entered_from: '2021-11-01', entered_until: null, share: 78, spread: 600, ways: [12, 5, 1, 2] },
];

/** By then it was over: what the generated families are helped with now begins later. */
const OVER = '2024-11-01';

/** Factors of an assessment: concerns and how they meet. */
const FACTORS = [['3B'], ['3B', '4B'], ['4B'], ['1B'], ['3B', '1B', '4B'], ['2B', '4B'], ['2B'], []];

type Child = { family: number; person: number; born: string; controller: number };
type Row = Record<string, unknown>;
type Kind = 'CHILD_IN_NEED' | 'CHILD_PROTECTION' | 'PRE_PROCEEDINGS' | 'LOOKED_AFTER';

const day = (from: string, days: number) => new Date(Date.parse(from) + days * 86_400_000).toISOString().slice(0, 10);

/** Sorts that are the same at every loading, and have nothing to do with each other. */
const mix = (n: number, salt: number) => (Math.imul(n + salt, 0x9e3779b1) ^ (Math.imul(n, 0x85ebca6b) >>> 13)) >>> 0;

/** One time that a child was open: from a referral to its closure, by the kinds of plan in a row. */
function told(child: Child, came: string, kinds: Kind[]) {
  const { family, person, controller } = child;
  const of = { family, person, controller };
  const length = (index: number) => 60 + (mix(person, index) % 90);
  const plans: Row[] = [];
  const steps: Row[] = [];
  const placements: Row[] = [];
  let on = day(came, 30);
  for (const [index, kind] of kinds.entries()) {
    const until = day(on, length(index));
    plans.push({ ...of, kind, status: 'ENDED', started: on, ended: until, previous_plans: kind === 'CHILD_PROTECTION' ? 0 : null });
    const before = kinds[index - 1];
    const rank = (each: Kind) => ['CHILD_IN_NEED', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'].indexOf(each);
    if (before) steps.push({ ...of, direction: rank(kind) > rank(before) ? 'UP' : 'DOWN', from: before, to: kind, stepped_on: on });
    if (kind === 'LOOKED_AFTER')
      placements.push({
        ...of,
        legal_status: 'V2',
        placement_type: 'U1',
        started_on: on,
        looked_after_since: on,
        ended_on: until,
        end_reason: 'E4A',
      });
    on = until;
  }
  const episode = { ...of, source: '1A', referred_on: came, closed_on: on, closure_reason: 'RC7' };
  return { child, came, episode, plans, steps, placements };
}

type Told = ReturnType<typeof told>;

const WAYS: Kind[][] = [
  ['CHILD_IN_NEED'],
  ['CHILD_IN_NEED', 'CHILD_PROTECTION', 'CHILD_IN_NEED'],
  ['CHILD_IN_NEED', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'CHILD_PROTECTION', 'CHILD_IN_NEED'],
  ['CHILD_IN_NEED', 'CHILD_PROTECTION', 'LOOKED_AFTER', 'CHILD_IN_NEED'],
];

/** Every time that a generated child came, one after the other, by what is left of numbers made of its id. */
function times(child: Child): Told[] {
  const all: Told[] = [];
  for (const [index, { entered_from, share, spread, ways }] of COHORTS.entries()) {
    const came = day(entered_from, mix(child.person, 200 + index) % spread);
    const path = mix(child.person, 300 + index) % 20;
    const way = ways.findIndex((_, n) => path < ways.slice(0, n + 1).reduce((sum, each) => sum + each, 0));
    const time = told(child, came, WAYS[way] as Kind[]);
    const free = day(all.at(-1)?.episode.closed_on ?? child.born, 30);
    if (mix(child.person, 100 + index) % 100 < share && came > free && time.episode.closed_on < OVER) all.push(time);
  }
  return all;
}

/** Loads them, as the database's owner, once. Cohorts that the authority has set stay as they are. */
export async function loadCohorts(client: pg.Client): Promise<void> {
  await client.query(
    `update fsp.cohort c set entered_from = w.entered_from, entered_until = w.entered_until, follow_up_months = 12, source = $2, status = 'demonstration'
     from jsonb_to_recordset($1::jsonb) w (code text, entered_from date, entered_until date) where w.code = c.code and c.status = 'to-set'`,
    [JSON.stringify(COHORTS), MADE_UP],
  );
  const { rows: children } = await client.query<Child>(
    `select m.family::int, m.person::int, i.date_of_birth::text as born, m.controller from fsp.membership m join fsp.person_identity i on i.person = m.person
     where m.role = 'child' and m.family > 3 order by m.person`,
  );
  const all = children.flatMap(times);
  const insert = async (table: string, rows: Row[]): Promise<{ id: number }[]> => {
    const columns = Object.keys(rows[0] as Row)
      .map((name) => `"${name}"`)
      .join(', ');
    const { rows: made } = await client.query<{ id: number }>(
      `insert into fsp.${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::fsp.${table}, $1::jsonb) returning id`,
      [JSON.stringify(rows)],
    );
    return made;
  };
  await insert(
    'episode',
    all.map(({ episode }) => episode),
  );
  await insert(
    'plan',
    all.flatMap(({ plans }) => plans),
  );
  await insert(
    'step_event',
    all.flatMap(({ steps }) => steps),
  );
  await insert(
    'placement',
    all.flatMap(({ placements }) => placements),
  );
  // And how the plans that stand now began.
  await client.query(
    `insert into fsp.step_event (family, person, controller, direction, "from", "to", stepped_on, started)
     select p.family, p.person, p.controller, 'UP', 
       (select b.kind from fsp.plan b where b.family = p.family and b.started < p.started and b.started > $1 order by b.started desc limit 1), p.kind, p.started, p.id
     from fsp.plan p where p.family > 3 and p.status = 'OPEN' and p.kind <> 'EARLY_HELP' and not exists (select from fsp.step_event e where e.started = p.id)`,
    [OVER],
  );
  const assessments = await insert(
    'assessment',
    all.map(({ child: { family, person, controller }, came }) => ({
      family,
      person,
      controller,
      kind: 'child-and-family',
      status: 'COMPLETED',
      referred: came,
      started: day(came, 1),
      authorised_on: day(came, 28),
    })),
  );
  const factors = all.flatMap(({ child: { family, person, controller } }, index) =>
    (FACTORS[mix(person, 400) % FACTORS.length] as string[]).map((code) => ({
      assessment: assessments[index]?.id,
      family,
      person,
      controller,
      code,
    })),
  );
  await insert(
    'assessment_factor',
    factors.map((factor) => ({ ...factor, kept_from: [] })),
  );
}
