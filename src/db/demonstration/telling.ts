/**
 * The second part of the demonstration: what of the three told families' record is written by commands, as it would be by
 * the people who worked with them, each on their organisation's own login. The first part, the rows of `load.ts`, stands
 * before it. Told once; a telling that was broken off goes on where it was.
 */
import { randomUUID } from 'node:crypto';
import { getTableConfig } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import type { Purpose } from '../../access/agreement.ts';
import type { Client } from '../../access/client.ts';
import { runCommand } from '../../change/command.ts';
import { parseDatabaseServer } from '../../config.ts';
import { createStore } from '../../disclosure/store.ts';
import { BINDINGS, COMMANDS } from '../../modules/index.ts';
import { encodeId } from '../../read/ids.ts';
import { rowId } from '../generate.ts';
import { loginName } from '../logins.ts';
import { CLIENTS, organisationId, organisations, USERS } from '../personas.ts';
import { createTransactions } from '../transactions.ts';
import { ASHDOWN_RECORD } from './record/ashdown.ts';
import { COURT_FAMILY, COURT_RECORD } from './record/court.ts';
import { DUNMORE_RECORD } from './record/dunmore.ts';
import { EXTRACT_RECORD } from './record/extract.ts';
import { HARTWELL_RECORD } from './record/hartwell.ts';
import { tellLooks } from './record/looks.ts';
import { OUTCOMES_RECORD } from './record/outcomes.ts';
import { SHARING_RECORD } from './record/sharing.ts';
import type { Names, Step, Teller } from './record/step.ts';
import { TEAM_RECORD } from './record/team.ts';
import { STORIES, storyPerson } from './rows.ts';

/** The family's id and its steps; null: the county's own house. */
const RECORD: [family: number | null, steps: Step[]][] = [
  [1, [...HARTWELL_RECORD, ...OUTCOMES_RECORD]],
  [2, ASHDOWN_RECORD],
  [3, [...DUNMORE_RECORD, ...SHARING_RECORD]],
  [COURT_FAMILY, COURT_RECORD],
  // At the end: who is left out of the extract the others have said by then.
  [null, [...TEAM_RECORD, ...EXTRACT_RECORD]],
];

const isTold = (family: number | null) => STORIES.some(({ id }) => id === family);

const BEGUN = 'demonstration begun';
const TOLD = 'demonstration told';

const MARK = `
  insert into fsp.idempotency (organisation, client, key, fingerprint, result)
  values ($1, 'occ-record-system', $2, '', '{}') on conflict do nothing`;

/** Says, with the first part's rows, that the second is to follow. */
export async function announceRecord(owner: pg.Client): Promise<void> {
  await owner.query(MARK, [organisationId('occ'), BEGUN]);
}

/** Whether the demonstration's record was begun and is not told to its end. */
export async function isRecordOpen(owner: pg.Client): Promise<boolean> {
  const { rows } = await owner.query<{ key: string }>(
    `select key from fsp.idempotency where client = 'occ-record-system' and key = any ($1)`,
    [[BEGUN, TOLD]],
  );
  return rows.some(({ key }) => key === BEGUN) && !rows.some(({ key }) => key === TOLD);
}

/** The caller of a step, as the gate would have made it. */
async function clientOf(owner: pg.Client, { client, user, purpose }: Teller): Promise<Client> {
  const found = CLIENTS.find(({ id }) => id === client);
  const organisation = organisations.find(({ code }) => code === found?.organisation);
  const known = USERS.find((each) => each.subject === user && each.organisation === found?.organisation);
  if (!found || !organisation || !known) throw new Error(`${user} does not work with ${client}.`);
  const login = loginName(owner.database as string, organisation.code, 'daily');
  const { rows } = await owner.query<{ id: string }>('select id from fsp.login where name = $1', [login]);
  const { id, code, name, agency } = organisation;
  return {
    id: client,
    organisation: { id, code, name },
    agency,
    login: { id: Number(rows[0]?.id), name: login, sealed: false },
    scopes: new Set(found.scopes),
    purposes: found.purposes,
    honoursRestrictions: found.honoursRestrictions,
    purpose: purpose as Purpose,
    user,
    userName: known.name,
    token: 'demonstration',
    planKey: `${client} ${user} ${purpose}`,
    requestId: randomUUID(),
    correlationId: null,
    address: 'demonstration',
  };
}

/** The table of a type's rows that have a version. */
function tableOf(type: string): string {
  const anchor = BINDINGS.get(type)?.anchor;
  if (!anchor || typeof anchor === 'string' || Array.isArray(anchor)) throw new Error(`${type} has no table.`);
  return getTableConfig(anchor).name;
}

/** Tells the record. @param owner the database's owner, whose rows of the first part are committed. */
export async function tellRecord(owner: pg.Client, ownerUrl: string, loginSecret: string): Promise<void> {
  const transactions = createTransactions(parseDatabaseServer(ownerUrl), loginSecret);
  const store = createStore(parseDatabaseServer(ownerUrl), loginSecret, false);
  const programmes = new Map(
    (await owner.query<{ code: string; id: number }>('select code, id from fsp.programme')).rows.map((row) => [row.code, row.id]),
  );
  const told = await toldBefore(owner);
  const clients = new Map<string, Client>();
  try {
    for (const [family, steps] of RECORD) {
      const made = new Map<string, string>();
      const names: Names = {
        family: encodeId('Family', family ?? 0),
        person: (who) => encodeId('Person', isTold(family) ? storyPerson(family as number, who) : rowId(family as number, Number(who))),
        base: (type, n) => encodeId(type, rowId(family as number, n)),
        made: (name) => {
          const id = made.get(name);
          if (!id) throw new Error(`Family ${family}: nothing was made as ${name} yet.`);
          return id;
        },
        organisation: (code) => encodeId('Organisation', organisationId(code)),
        programme: (code) => encodeId('Programme', programmes.get(code) as number),
        id: encodeId,
      };
      for (const [index, { on, as, do: field, input, amends, name }] of steps.entries()) {
        const idempotencyKey = `demonstration ${family ?? 'county'} ${index}`;
        const before = told.get(idempotencyKey);
        if (before) {
          if (name) made.set(name[1], encodeId(name[0], before));
          continue;
        }
        const known = JSON.stringify(as);
        const client = clients.get(known) ?? (await clientOf(owner, as));
        clients.set(known, client);
        const given: Record<string, unknown> = { ...input(names), idempotencyKey };
        if (amends) {
          const [into, what] = amends(names);
          const id = what.startsWith('last ') ? await lastOf(owner, what.slice(5), family as number) : what;
          given[into] = id;
          given.expectedVersion = await versionOf(owner, id);
        }
        const said = await runCommand(transactions, COMMANDS, field, given, client, new Date(`${on}T18:00:00Z`));
        if (said.id === null)
          throw new Error(`The demonstration's ${field} of ${on} by ${as.client}, family ${family}: ${JSON.stringify(said.userErrors)}`);
        if (name) made.set(name[1], encodeId(name[0], said.id));
      }
    }
    await tellLooks(owner, store, (as) => clientOf(owner, as));
    await owner.query(MARK, [organisationId('occ'), TOLD]);
  } finally {
    await Promise.all([transactions.end(), store.end()]);
  }
}

/** What was made by the steps that were told before, by their keys. */
async function toldBefore(owner: pg.Client): Promise<Map<string, string>> {
  const { rows } = await owner.query<{ key: string; id: string }>(
    `select key, result ->> 'id' as id from fsp.idempotency where key like 'demonstration %' and result ? 'id'`,
  );
  return new Map(rows.map(({ key, id }) => [key, id]));
}

/** The latest row of a type in the family: what a command wrote beside its own. */
async function lastOf(owner: pg.Client, type: string, family: number): Promise<string> {
  const { rows } = await owner.query<{ id: string }>(`select max(id) as id from fsp.${tableOf(type)} where family = $1`, [family]);
  return encodeId(type, rows[0]?.id as string);
}

/** The version of a row now. */
async function versionOf(owner: pg.Client, id: string): Promise<number> {
  const [type, row] = id.split('-') as [string, string];
  const table = type === 'Intervention' ? 'intervention_progress' : tableOf(type);
  const column = type === 'Intervention' ? 'intervention' : 'id';
  const { rows } = await owner.query<{ version: number }>(`select version from fsp.${table} where ${column} = $1`, [row]);
  return Number(rows[0]?.version);
}
