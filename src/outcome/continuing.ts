/** Goes on with the trajectories where the papers end: with the county's own figures, as the latest edition shows them to everybody. */
import type pg from 'pg';
import { upsert } from '../db/upsert.ts';
import { continued, type Known, type Own, type Point, type Worked } from '../modules/trajectory/rules.ts';

/** Points as they are printed: what was worked out of them, own numbers too, is taken away. */
const PRINTED = `
  select measure, at::text as at, as_is as "asIs", fsm1, fsm2, reduction, target, actual, variation, adjusted_target as "adjustedTarget",
    adjusted_reason as "adjustedReason", adjusted_variation as "adjustedVariation", children, neighbours_rate::float8 as "neighboursRate",
    null as marker, printed, computed, split_part(source, '; own figures', 1) as source
  from fsp.trajectory_point where printed order by measure, at`;

const OWN = `
  select t.measure, (fsp.period_end(f.grain, f.starts) - 1)::text as at, f.value::int as actual, f.marker,
    'own figures (' || t.continued_by || '), edition as at ' || e.as_at as source
  from fsp.trajectory t join fsp.outcome_indicator i on i.code = t.continued_by
  join fsp.figure f on f.indicator = i.id and f.breakdown = '' and f.grain = 'MONTH' join fsp.figure_edition e on e.id = f.edition
  order by f.starts`;

/** The county's target of an indicator on each day, its latest adjustment, and how many children there are. */
const KNOWN = `
  select t.measure, d.at::text as at,
    (select g.value::int from fsp.indicator_target g where g.indicator = i.id and g.area is null and g.adjusts is null and g.starts <= d.at and g.ends >= d.at and g.value >= 0.5) as target,
    a.value as "adjustedTarget", a.reason as "adjustedReason",
    (select p.value from fsp.population p where p.area is null and p.age_from = 0 and p.age_to = 17 and p.sex is null and p.valid_from <= d.at and (p.valid_to is null or p.valid_to > d.at)) as children
  from fsp.trajectory t join fsp.outcome_indicator i on i.code = t.continued_by cross join unnest($1::date[]) d (at)
  left join lateral (select g.value::int as value, g.reason from fsp.indicator_target g
    where g.indicator = i.id and g.area is null and g.adjusts is not null and g.starts <= d.at and g.ends >= d.at and g.value >= 0.5 order by g.id desc limit 1) a on true`;

const NOTHING: Known = { target: null, adjustedTarget: null, adjustedReason: null, children: null };

/**
 * Writes the points anew, within the caller's transaction; as often as there is an edition, or the papers are loaded.
 *
 * @param client the database's owner.
 */
export async function continueTrajectories(client: pg.Client): Promise<void> {
  type Row<T> = T & { measure: string };
  const { rows: printed } = await client.query<Row<Point & { computed: Worked[] }>>(PRINTED);
  const { rows: own } = await client.query<Row<Own>>(OWN);
  const days = [...new Set([...printed, ...own].map(({ at }) => at))];
  const { rows: known } = await client.query<Row<Known & { at: string }>>(KNOWN, [days]);
  const on = new Map(known.map(({ measure, at, ...of }) => [`${measure} ${at}`, of]));
  const measures = [...new Set(printed.map(({ measure }) => measure))];
  const rows = measures.flatMap((measure) =>
    continued(
      printed.flatMap(({ measure: of, computed, ...point }) =>
        of === measure ? [{ ...point, ...Object.fromEntries(computed.map((field) => [field, null])) }] : [],
      ),
      own.flatMap(({ measure: of, ...figure }) => (of === measure ? [figure] : [])),
      (at) => on.get(`${measure} ${at}`) ?? NOTHING,
    ).map((point) => ({ measure, ...point })),
  );
  await client.query('delete from fsp.trajectory_point where not printed');
  await upsert(client, 'trajectory_point', ['measure', 'at'], rows);
}
