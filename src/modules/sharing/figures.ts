/** How an organisation used its emergency access: figures about what its staff did, and nobody of a family in them. */
import type { Client } from '../../access/client.ts';
import { notBarred, USER } from '../../access/predicates.ts';
import { PublicError } from '../../errors.ts';

/** Runs one statement on a login; `j` of its one row is the answer's JSON. */
type Ask = (login: string, sql: string, parameters: (string | null)[]) => Promise<string>;

export type FiguresArgs = { from: string; until: string; reviewWithinDays: number };

type Counted = { code: string; label: string; count: number };

export type EmergencyFigures = {
  organisation: string;
  organisationCode: string;
  opened: number;
  byReason: Counted[];
  minutes: number;
  longestMinutes: number;
  reviewed: number;
  waiting: number;
  overdue: number;
  byFinding: Counted[];
  disclosures: number;
};

/** How many there are of each value of a column, by its label in a code list. */
const counted = (column: string, list: string) =>
  `(select coalesce(json_agg(json_build_object('code', k.code, 'label', coalesce(k.label, k.code), 'count', k.n) order by k.n desc, k.code), '[]')
    from (select e.${column} as code, count(*)::int as n,
        (select c.label from fsp.code c where c.list = '${list}' and c.code = e.${column} order by c.version desc limit 1) as label
      from e where e.organisation = o.id and e.${column} is not null group by e.${column}) k)`;

/** A day in England begins at its midnight there. */
const midnight = (parameter: string, days = 0) => `((${parameter}::date + ${days})::timestamp at time zone 'Europe/London')`;

/**
 * Emergencies that began in a period, of the caller's organisation, and to a county of everybody who opened its families: what the login's
 * policies give. Beyond them a figure names nobody, so it does not ask who may read which family; a family from which the caller is barred
 * is not in it.
 *
 * @param fresh makes readable what was put on record last.
 */
export async function emergencyFigures(
  ask: Ask,
  fresh: () => Promise<void>,
  client: Client,
  { from, until, reviewWithinDays }: FiguresArgs,
): Promise<EmergencyFigures[]> {
  if (from > until) throw new PublicError('BAD_USER_INPUT', '"until" is before "from".');
  if (reviewWithinDays < 0 || reviewWithinDays > 366) throw new PublicError('BAD_USER_INPUT', '"reviewWithinDays" is from 0 to 366.');
  await fresh();
  const open = notBarred(client, 'family', 'a.family').map((predicate) => ` and ${predicate}`);
  const sql = `with e as materialized (
      select a.id, a.controller as organisation, a.reason_code, a.finding, a.reviewed_at, a."from", a.until,
        extract(epoch from a.until - a."from") / 60 as minutes
      from fsp.emergency_access a
      where (${USER} is null or true) and a."from" >= ${midnight('$2')} and a."from" < ${midnight('$3', 1)}${open.join('')}
    )
    select coalesce(json_agg(json_build_object(
      'organisation', o.name, 'organisationCode', o.code, 'opened', f.opened, 'minutes', f.minutes, 'longestMinutes', f.longest,
      'reviewed', f.reviewed, 'waiting', f.waiting, 'overdue', f.overdue,
      'byReason', ${counted('reason_code', 'emergency-reason')}, 'byFinding', ${counted('finding', 'emergency-finding')},
      'disclosures', (select count(*)::int from e join fsp.disclosure_entry d on d.organisation = e.organisation
          and d.at >= e."from" and d.at < e.until + interval '1 hour' and d.emergency = 'EmergencyAccess-' || e.id
        where e.organisation = o.id and d.failed is null)
    ) order by o.code), '[]')::text as j
    from (select e.organisation, count(*)::int as opened, round(sum(e.minutes))::int as minutes, round(max(e.minutes))::int as longest,
        count(e.reviewed_at)::int as reviewed,
        count(*) filter (where e.reviewed_at is null and e.until + make_interval(days => $4::int) > now())::int as waiting,
        count(*) filter (where e.reviewed_at is null and e.until + make_interval(days => $4::int) <= now())::int as overdue
      from e group by e.organisation) f
    join fsp.organisation o on o.id = f.organisation`;
  return JSON.parse(await ask(client.login.name, sql, [client.user, from, until, String(reviewWithinDays)]));
}
