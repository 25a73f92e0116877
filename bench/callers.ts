/** Who asks, and what the county sees. */
import pg from 'pg';
import { developmentIssuer } from '../src/access/tokens.ts';
import { parseDatabaseServer } from '../src/config.ts';
import { loginName, loginPassword } from '../src/db/logins.ts';
import { CLIENTS, PERSONAS, PRACTITIONERS } from '../src/db/personas.ts';
import { DATABASE, type Dataset, LOGIN_SECRET } from './data.ts';

export type Caller = { organisation: string; client: string; user: string; purpose: string };

export const COUNTY: Caller = {
  organisation: 'occ',
  client: 'occ-front-door',
  user: PERSONAS.socialWorker.user,
  purpose: 'SAFEGUARDING',
};
const DESK = 'west-oxfordshire-leisure';
export const COUNCIL: Caller = {
  organisation: DESK,
  client: `${DESK}-desk`,
  user: PRACTITIONERS[DESK]?.[0]?.subject ?? '',
  purpose: 'EARLY_HELP',
};

export async function headersOf(dataDir: string, caller: Caller): Promise<Record<string, string>> {
  const issuer = await developmentIssuer(dataDir);
  const scopes = CLIENTS.find(({ id }) => id === caller.client)?.scopes ?? [];
  const token = await issuer.sign({ clientId: caller.client, organisation: caller.organisation, scopes, user: caller.user });
  return { authorization: `Bearer ${token}`, 'x-purpose-of-use': caller.purpose };
}

/** Keys of families, and of one member of each, that the county's own login sees. */
export type Visible = { keys: string[]; members: { family: string; person: string }[]; loginId: number };

/** Members enough to draw from: one of each of these many families. */
const MEMBERS = 5000;

export async function visibleFamilies(dataset: Dataset): Promise<Visible> {
  const { host, port } = parseDatabaseServer(dataset.ownerUrl);
  const user = loginName(DATABASE, COUNTY.organisation, 'daily');
  const client = new pg.Client({ host, port, database: DATABASE, user, password: loginPassword(LOGIN_SECRET, user) });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>('select id from fsp.family order by id');
    const keys = rows.map(({ id }) => id);
    const { rows: members } = await client.query<{ family: string; person: string }>(
      'select family, min(person) as person from fsp.membership where family = any ($1::bigint[]) group by family order by family',
      [drawn(keys, MEMBERS)],
    );
    const { rows: logins } = await client.query<{ id: number }>('select fsp.current_login() as id');
    return { keys, members, loginId: logins[0]?.id ?? 0 };
  } finally {
    await client.end();
  }
}

/** The same sequence in every run. */
export function drawn<T>(values: T[], count: number): T[] {
  let state = 12345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return values[Math.floor((state / 2 ** 32) * values.length)] as T;
  });
}
