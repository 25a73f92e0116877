/**
 * The demonstration: who may ask, three families told after the stories that were presented to Oxfordshire's People
 * Overview & Scrutiny Committee on 11 November 2021 (pages 26 to 47), and 200 generated ones. Names, addresses and
 * numbers are invented; the stories' dates are moved on by five years, so that they are of today.
 */
import type pg from 'pg';
import { type Callers, callersOf, DEMONSTRATION_AUTHORITY } from '../callers.ts';
import { advanceSequences, generatedFamilies, writeFamilies } from '../generate.ts';
import { loadFrontDoor } from './front-door.ts';
import { STORIES, storyRows } from './rows.ts';
import { announceRecord } from './telling.ts';
import { loadTurns } from './turns.ts';

/** The generated families of the demonstration: ids 4 to 203. */
export const GENERATED = { families: 200, seed: 20211111, firstId: 4 };

/** The day on which everybody was named in their team: the model went live. */
const LIVE = '2020-11-01T00:00:00Z';

/** Loads who may ask: clients, their users, and who is named in the teams. As the database's owner. */
export async function loadCallers(client: pg.Client, { clients, users, teams }: Callers): Promise<void> {
  const found = await client.query<{ code: string; id: number }>('select code, id from fsp.organisation');
  const ids = new Map(found.rows.map(({ code, id }) => [code, id]));
  const organisationId = (code: string) => {
    const id = ids.get(code);
    if (id === undefined) throw new Error(`There is no organisation ${code}.`);
    return id;
  };
  const insert = (table: string, rows: Record<string, unknown>[], conflict: string) => {
    const columns = Object.keys(rows[0] as object)
      .map((name) => `"${name}"`)
      .join(', ');
    return client.query(
      `insert into fsp.${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::fsp.${table}, $1::jsonb) on conflict ${conflict}`,
      [JSON.stringify(rows)],
    );
  };
  await insert(
    'client',
    clients.map(({ id, name, organisation, scopes, purposes, defaultPurpose, honoursRestrictions }) => ({
      id,
      name,
      organisation: organisationId(organisation),
      scopes,
      purposes,
      default_purpose: defaultPurpose,
      honours_restrictions: honoursRestrictions,
      enabled: true,
    })),
    '(id) do nothing',
  );
  await insert(
    'app_user',
    users.map(({ organisation, subject, name }) => ({ organisation: organisationId(organisation), subject, name, enabled: true })),
    '(organisation, subject) do nothing',
  );
  const members = Object.entries(teams).flatMap(([team, people]) =>
    people.map(({ subject, discipline }) => ({ organisation: organisationId(team), subject, discipline, from: LIVE })),
  );
  await insert('team_member', members, '(organisation, subject, "from") do nothing');
}

/** Children under 18 of each district: made up, for no paper says how many there are. */
const CHILDREN: [area: string | null, children: number][] = [
  [null, 145_000],
  ['E07000177', 33_000],
  ['E07000178', 30_000],
  ['E07000179', 31_000],
  ['E07000180', 29_000],
  ['E07000181', 22_000],
];

/** Loads what rates are reckoned on, where the reference data says nothing of it. */
async function loadPopulations(client: pg.Client): Promise<void> {
  await client.query(
    `insert into fsp.population (id, area, age_from, age_to, valid_from, value, source, invented)
     select n, w.c ->> 0, 0, 17, '2017-04-01', (w.c ->> 1)::integer, 'made up for the demonstration', true
     from jsonb_array_elements($1::jsonb) with ordinality w (c, n) where not exists (select from fsp.population)`,
    [JSON.stringify(CHILDREN)],
  );
}

/** Families are granted to logins; without them the families would be there and nobody would see them. */
async function requireLogins(client: pg.Client): Promise<void> {
  const { rows } = await client.query('select from fsp.login limit 1');
  if (rows.length === 0) throw new Error('The demonstration needs the logins of the organisations: provision them first.');
}

/**
 * Loads the demonstration in one transaction, as the database's owner, into a database that has Oxfordshire's
 * reference data and its organisations' logins, and no families yet. What commands write of the told families follows
 * when this is committed (`telling.ts`).
 */
export async function loadDemonstration(client: pg.Client): Promise<void> {
  await client.query('begin');
  try {
    await requireLogins(client);
    await loadCallers(client, callersOf(DEMONSTRATION_AUTHORITY));
    await loadPopulations(client);
    await writeFamilies(client, [...STORIES.map(storyRows), ...generatedFamilies(GENERATED, 0, GENERATED.families)]);
    await loadFrontDoor(client);
    await loadTurns(client);
    await announceRecord(client);
    await advanceSequences(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
