/** What the database's owner does for retention: proposes what is due, erases what was approved, sweeps what is spent. */
import type pg from 'pg';
import { eraseFamily, holdIndexing } from '../../db/erasing.ts';
import { inTransaction } from '../../db/owner.ts';
import { dueOn, type RecordFacts, type Rule, recordKind } from './retention.ts';

/** SQL that a hold forbids to erase the family `f`, or anybody. */
const HELD = `exists (select from fsp.retention_hold h where h.lifted_on is null and (h.family is null or h.family = f.id))`;

/** Closed families without a proposal, each with what its record says of itself. Under 18 at the closure: a child of it. */
const FACTS = `
  select f.id, f.controller, (s.since at time zone 'Europe/London')::date::text as closed,
    array(select p.ended_on::text from fsp.placement p where p.family = f.id and p.end_reason in ('E11', 'E12') and p.ended_on is not null) as adopted,
    exists (select from fsp.placement p where p.family = f.id)
      or exists (select from fsp.plan p where p.family = f.id and p.kind = 'LOOKED_AFTER') as looked_after,
    exists (select from fsp.plan p where p.family = f.id and p.kind = 'CHILD_PROTECTION')
      or exists (select from fsp.section47 e where e.family = f.id) as child_protection,
    exists (select from fsp.plan p where p.family = f.id and p.kind = 'CHILD_IN_NEED')
      or exists (select from fsp.episode e where e.family = f.id) as child_in_need,
    array(select i.date_of_birth::text from fsp.membership m left join fsp.person_identity i on i.person = m.person
      where m.family = f.id and (m.role in ('child', 'sibling') or i.date_of_birth + interval '18 years' > s.since)) as births
  from fsp.family f join fsp.family_stage s on s.family = f.id and s.stage = 'CLOSED'
  where not ${HELD} and not exists (select from fsp.erasure_proposal p where p.family = f.id and p.status <> 'REJECTED')
  order by f.id`;

type FactRow = {
  id: string;
  controller: number;
  closed: string;
  adopted: string[];
  looked_after: boolean;
  child_protection: boolean;
  child_in_need: boolean;
  births: (string | null)[];
};

/** Proposes the records that are due on a day. @returns how many. */
export async function proposeErasures(client: pg.Client, day: string): Promise<number> {
  const { rows: rules } = await client.query<Rule>(
    `select distinct on (code) code, version, years, from_event as "fromEvent" from fsp.retention_rule
     where valid_from <= $1 and coalesce(valid_to, 'infinity') > $1 order by code, valid_from desc`,
    [day],
  );
  const { rows: records } = await client.query<FactRow>(FACTS);
  let proposed = 0;
  for (const { id, controller, closed, adopted, looked_after, child_protection, child_in_need, births } of records) {
    const facts: RecordFacts = {
      closedOn: closed,
      adoptedOn: adopted,
      lookedAfter: looked_after,
      childProtection: child_protection,
      childInNeed: child_in_need,
      births,
    };
    const rule = rules.find(({ code }) => code === recordKind(facts));
    const due = rule ? dueOn(rule, facts) : null;
    if (!rule || due === null || due > day) continue;
    const { rowCount } = await client.query(
      `insert into fsp.erasure_proposal (family, controller, rule, rule_version, due_on, proposed_on, proposed_by, status)
       values ($1, $2, $3, $4, $5, $6, 'the retention job', 'PROPOSED') on conflict do nothing`,
      [id, controller, rule.code, rule.version, due, day],
    );
    proposed += rowCount ?? 0;
  }
  return proposed;
}

export type Erased = { erased: number; held: number };

/** Erases what was approved, each family in a transaction of its own; what a hold forbids waits. */
export async function eraseApproved(client: pg.Client): Promise<Erased> {
  const { rows } = await client.query<{ id: string }>(`select id from fsp.erasure_proposal where status = 'APPROVED' order by id`);
  const done: Erased = { erased: 0, held: 0 };
  for (const { id } of rows) {
    const gone = await inTransaction(client, async () => {
      await holdIndexing(client);
      // Whoever places a hold meanwhile waits for this lock, or this waits for them.
      await client.query('lock table fsp.retention_hold in share row exclusive mode');
      const { rows: still } = await client.query<{ family: string; held: boolean }>(
        // Work may have begun again since it was approved.
        `select p.family, ${HELD} or not exists (select from fsp.family_stage s where s.family = f.id and s.stage = 'CLOSED') as held from fsp.erasure_proposal p join fsp.family f on f.id = p.family
         where p.id = $1 and p.status = 'APPROVED' for update of p, f`,
        [id],
      );
      const [proposal] = still;
      if (!proposal || proposal.held) return !proposal;
      const { rows: kept } = await client.query(
        `select controller, id as proposal, rule, rule_version, due_on::text, decided_by, decided_on::text from fsp.erasure_proposal where id = $1`,
        [id],
      );
      const counts = await eraseFamily(client, proposal.family);
      const { controller, rule, rule_version, due_on, decided_by, decided_on } = kept[0];
      await client.query(
        `insert into fsp.erasure (controller, proposal, rule, rule_version, due_on, approved_by, approved_on, rows, tables)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [controller, id, rule, rule_version, due_on, decided_by, decided_on, Object.values(counts).reduce((a, b) => a + b, 0), counts],
      );
      return true;
    });
    if (gone) done.erased++;
    else done.held++;
  }
  return done;
}

/** A day in which a client may ask again, and an hour for clocks that differ. */
const KEY_HOURS = 25;

/** How long what became of a batch can be read. */
const RUN_DAYS = 30;

/** Takes away idempotency keys that nobody asks by any more, revoked tokens that have expired by themselves, and old batches. */
export async function sweep(client: pg.Client): Promise<{ keys: number; tokens: number }> {
  // The demonstration's keys say how far it was told.
  const keys = await client.query(
    `delete from fsp.idempotency where at < now() - make_interval(hours => $1) and key not like 'demonstration %'`,
    [KEY_HOURS],
  );
  await client.query('delete from fsp.record_run where at < now() - make_interval(days => $1)', [RUN_DAYS]);
  const tokens = await client.query(`delete from fsp.revoked_token where expires < now() - interval '1 hour'`);
  return { keys: keys.rowCount ?? 0, tokens: tokens.rowCount ?? 0 };
}
