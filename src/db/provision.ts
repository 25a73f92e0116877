/**
 * Who may use the platform, as its operator writes it: organisations with their logins, clients, users, revoked tokens.
 * Works on a connection of the database's owner. Whatever is asked twice changes nothing the second time; what is refused
 * is refused in words and leaves nothing behind. Running servers hear of every change (`fsp.tell_gate`).
 */
import type pg from 'pg';
import { z } from 'zod';
import {
  ACTS,
  ADOPTION_ROLE,
  OWN_FAMILIES,
  PURPOSE_NAMES,
  type Purpose,
  purposeRule,
  ROLE_CLOSES,
  ROLES_FOR,
  WRITERS,
} from '../access/agreement.ts';
import type { Agency } from '../access/classes.ts';
import { provisionOrganisation } from './logins.ts';
import { inTransaction } from './owner.ts';
import { ORGANISATION, problems } from './reference.ts';
import { text } from './shapes.ts';

/** Whether something was changed, or was as wanted already. */
export type Outcome = 'changed' | 'as it was';

const outcome = (rows: number | null): Outcome => (rows === 0 ? 'as it was' : 'changed');

function checked<T>(shape: z.ZodType<T>, given: unknown): T {
  const parsed = shape.safeParse(given);
  if (!parsed.success) throw new Error(`${problems(parsed.error)}.`);
  return parsed.data;
}

/** What a token may carry as a name: a line of at most 200 characters, as src/access/tokens.ts takes it. */
const tokenName = z
  .string()
  .regex(/^(?!\s)[^\p{Cc}]{1,200}(?<!\s)$/u, 'must be one to 200 characters on one line, without a space at its beginning or end');

/** The given ones in the order of those there are. @throws naming those there are. */
function known<T extends string>(what: string, given: readonly string[], all: readonly T[], where = ''): T[] {
  const unknown = given.filter((one) => !(all as readonly string[]).includes(one));
  if (unknown.length > 0) throw new Error(`There is no ${what} ${unknown.join(', ')}${where}; there are ${all.join(', ')}.`);
  return all.filter((one) => given.includes(one));
}

const inWords = (value: unknown) => (Array.isArray(value) ? value.toSorted().join(' ') : String(value ?? 'none'));

/** @throws where what is there is not what was asked for; what was not asked for is not compared. */
function mustAgree<T extends object>(what: string, there: T, asked: Partial<T>): void {
  const other = (Object.keys(asked) as (keyof T & string)[])
    .filter((name) => asked[name] !== undefined && inWords(there[name]) !== inWords(asked[name]))
    .map((name) => `${name}: ${inWords(there[name])}`);
  if (other.length > 0) throw new Error(`${what} is there already, and not as asked for (${other.join('; ')}). Nothing was changed.`);
}

export type Organisation = {
  id: number;
  code: string;
  name: string;
  agency: Agency;
  kind: string;
  parent: string | null;
  district: string | null;
};

const ORGANISATIONS = `
  select o.id, o.code, o.name, o.agency, o.kind, p.code as parent, o.district
  from fsp.organisation o left join fsp.organisation p on p.id = o.parent`;

async function findOrganisation(client: pg.Client, code: string): Promise<Organisation | undefined> {
  return (await client.query<Organisation>(`${ORGANISATIONS} where o.code = $1`, [code])).rows[0];
}

async function organisationNamed(client: pg.Client, code: string): Promise<Organisation> {
  const found = await findOrganisation(client, code);
  if (!found) throw new Error(`There is no organisation ${code}; "npm run organisation -- list" names them.`);
  return found;
}

async function codesOf(client: pg.Client, sql: string, parameters: unknown[] = []): Promise<string[]> {
  return (await client.query<{ code: string }>(sql, parameters)).rows.map(({ code }) => code);
}

/** The kind that was asked for, or the only one that the agency's organisations have. */
async function kindOf(client: pg.Client, agency: Agency, asked: string | undefined): Promise<string> {
  const kinds = await codesOf(
    client,
    "select distinct code from fsp.code where list = 'organisation-kind' and (valid_to is null or valid_to > current_date::text) order by code",
  );
  if (asked !== undefined) return known('kind', [asked], kinds)[0] as string;
  const usual = await codesOf(client, 'select distinct kind as code from fsp.organisation where agency = $1', [agency]);
  if (usual.length !== 1) throw new Error(`Say --kind, as organisations of ${agency} are not all of one: ${kinds.join(', ')}.`);
  return usual[0] as string;
}

/** Ids from here on are given here. Those below are an authority's own, in `reference/`: the two must not meet. */
const FIRST_ID = 1_000_000;

export type NewOrganisation = { code: string; name: string; agency: string; kind?: string; parent?: string; district?: string };

/**
 * Adds an organisation with its two PostgreSQL logins, in one transaction.
 *
 * @param secret LOGIN_SECRET, from which the logins' passwords are derived.
 */
export async function addOrganisation(
  client: pg.Client,
  secret: string,
  { kind, parent, district, ...given }: NewOrganisation,
): Promise<{ outcome: Outcome; organisation: Organisation }> {
  const { code, name, agency } = checked(ORGANISATION.pick({ code: true, name: true, agency: true }), given);
  return inTransaction(client, async () => {
    // Two at once would take the same id.
    await client.query('lock table fsp.organisation in share row exclusive mode');
    const there = await findOrganisation(client, code);
    if (there) {
      if (there.agency !== agency) throw new Error(`The code ${code} is taken by ${there.name}, of the agency ${there.agency}.`);
      mustAgree(`The organisation ${code}`, there, { name, kind, parent, district });
      return { outcome: 'as it was', organisation: there };
    }
    if (district !== undefined) known('district', [district], await codesOf(client, 'select code from fsp.district order by code'));
    const above = parent === undefined ? null : await organisationNamed(client, parent);
    const { rows } = await client.query<{ id: number }>(
      `insert into fsp.organisation (id, code, name, agency, kind, parent, district)
       select greatest(max(id) + 1, ${FIRST_ID}), $1, $2, $3, $4, $5, $6 from fsp.organisation returning id`,
      [code, name, agency, await kindOf(client, agency, kind), above?.id ?? null, district ?? null],
    );
    await provisionOrganisation(client, secret, { id: (rows[0] as { id: number }).id, code, agency });
    return { outcome: 'changed', organisation: await organisationNamed(client, code) };
  });
}

/** All organisations, with how many enabled clients and users each has. */
export async function listOrganisations(client: pg.Client): Promise<(Organisation & { clients: number; users: number })[]> {
  const { rows } = await client.query(
    `select o.*, (select count(*)::integer from fsp.client c where c.organisation = o.id and c.enabled) as clients,
       (select count(*)::integer from fsp.app_user u where u.organisation = o.id and u.enabled) as users
     from (${ORGANISATIONS}) o order by o.agency, o.code`,
  );
  return rows;
}

/** Scopes that open something to an agency: reading, what the agreement lets it write, and the roles it speaks of. */
export function scopesOf(agency: Agency): string[] {
  const writes = [...Object.values(WRITERS), ...Object.values(ACTS)].filter(({ agencies }) => agencies.includes(agency));
  const roles = [
    ...Object.values(ROLES_FOR).flat(),
    ...Object.keys(ROLE_CLOSES),
    ...OWN_FAMILIES.roles,
    ...OWN_FAMILIES.except,
    ADOPTION_ROLE,
    ...PURPOSE_NAMES.flatMap((purpose) => purposeRule(purpose).role ?? []),
  ];
  return [...new Set(['family:read', ...writes.map(({ scope }) => scope), ...roles.map((role) => `role:${role}`)])];
}

export type ClientRow = {
  id: string;
  name: string;
  organisation: string;
  agency: Agency;
  scopes: string[];
  purposes: Purpose[];
  defaultPurpose: Purpose | null;
  honoursRestrictions: boolean;
  enabled: boolean;
};

const CLIENTS = `
  select c.id, c.name, o.code as organisation, o.agency, c.scopes, c.purposes, c.default_purpose as "defaultPurpose", c.honours_restrictions as "honoursRestrictions", c.enabled
  from fsp.client c join fsp.organisation o on o.id = c.organisation`;

async function clientNamed(client: pg.Client, id: string): Promise<ClientRow> {
  const { rows } = await client.query<ClientRow>(`${CLIENTS} where c.id = $1`, [id]);
  if (!rows[0]) throw new Error(`There is no client ${id}; "npm run organisation -- client list" names them.`);
  return rows[0];
}

export type NewClient = {
  organisation: string;
  id: string;
  name: string;
  purposes: string[];
  scopes: string[];
  /** The purpose of a request that names none; without it such a request is refused. */
  defaultPurpose?: string;
};

const ClientFields = z.object({ id: tokenName, name: text });

/** Adds a client to an organisation. */
export async function addClient(client: pg.Client, asked: NewClient): Promise<{ outcome: Outcome; client: ClientRow }> {
  const { id, name } = checked(ClientFields, asked);
  const organisation = await organisationNamed(client, asked.organisation);
  const purposes = known('purpose', asked.purposes, PURPOSE_NAMES);
  if (purposes.length === 0) throw new Error(`A client needs a purpose; there are ${PURPOSE_NAMES.join(', ')}.`);
  const scopes = known('scope', asked.scopes, scopesOf(organisation.agency), ` for ${organisation.agency}`);
  const closed = purposes.find((purpose) => {
    const { role } = purposeRule(purpose);
    return role !== undefined && !scopes.includes(`role:${role}`);
  });
  if (closed) throw new Error(`The purpose ${closed} needs the scope role:${purposeRule(closed).role}.`);
  const defaultPurpose = asked.defaultPurpose === undefined ? null : (asked.defaultPurpose as Purpose);
  if (defaultPurpose !== null && !purposes.includes(defaultPurpose))
    throw new Error(`The default purpose ${defaultPurpose} is not among the client's: ${purposes.join(', ')}.`);
  const { rowCount } = await client.query(
    `insert into fsp.client (id, name, organisation, scopes, purposes, default_purpose) values ($1, $2, $3, $4, $5, $6)
     on conflict (id) do nothing`,
    [id, name, organisation.id, scopes, purposes, defaultPurpose],
  );
  const there = await clientNamed(client, id);
  mustAgree(`The client ${id}`, there, { organisation: organisation.code, name, purposes, scopes, defaultPurpose });
  return { outcome: outcome(rowCount), client: there };
}

/** Opens or closes the door to a client: the tokens it has already are refused from now on, or taken again. */
export async function enableClient(client: pg.Client, id: string, enabled: boolean): Promise<Outcome> {
  await clientNamed(client, id);
  return outcome((await client.query('update fsp.client set enabled = $2 where id = $1 and enabled <> $2', [id, enabled])).rowCount);
}

/**
 * Writes down whether a client's system keeps restricted, sensitive and kept-from records as they are kept here. Until that is declared,
 * they do not go into its copy.
 */
export async function honourRestrictions(client: pg.Client, id: string, honoured: boolean): Promise<Outcome> {
  await clientNamed(client, id);
  const { rowCount } = await client.query('update fsp.client set honours_restrictions = $2 where id = $1 and honours_restrictions <> $2', [
    id,
    honoured,
  ]);
  return outcome(rowCount);
}

/** The clients of one organisation, or of all. */
export async function listClients(client: pg.Client, organisation?: string): Promise<ClientRow[]> {
  if (organisation !== undefined) await organisationNamed(client, organisation);
  const { rows } = await client.query<ClientRow>(`${CLIENTS} where o.code = coalesce($1, o.code) order by o.agency, o.code, c.id`, [
    organisation,
  ]);
  return rows;
}

export type UserRow = { subject: string; name: string; enabled: boolean; sealed: boolean };

const USERS = `
  select u.subject, u.name, u.enabled, s.subject is not null as sealed
  from fsp.app_user u left join fsp.sealed_user s on s.organisation = u.organisation and s.subject = u.subject`;

async function userNamed(client: pg.Client, organisation: Organisation, subject: string): Promise<UserRow> {
  const { rows } = await client.query<UserRow>(`${USERS} where u.organisation = $1 and u.subject = $2`, [organisation.id, subject]);
  if (!rows[0]) throw new Error(`${subject} is no user of ${organisation.code}.`);
  return rows[0];
}

const UserFields = z.object({ subject: tokenName, name: text });

/** Adds a user to an organisation; they work through any of its clients. */
export async function addUser(client: pg.Client, asked: { organisation: string; subject: string; name: string }): Promise<Outcome> {
  const { subject, name } = checked(UserFields, asked);
  const organisation = await organisationNamed(client, asked.organisation);
  const { rowCount } = await client.query(
    'insert into fsp.app_user (organisation, subject, name) values ($1, $2, $3) on conflict (organisation, subject) do nothing',
    [organisation.id, subject, name],
  );
  mustAgree(`The user ${subject} of ${organisation.code}`, await userNamed(client, organisation, subject), { name });
  return outcome(rowCount);
}

/** Whom a change of a user is about. */
export type UserAt = { organisation: string; subject: string };

/** Opens or closes the door to a user at one organisation. */
export async function enableUser(client: pg.Client, asked: UserAt, enabled: boolean): Promise<Outcome> {
  const organisation = await organisationNamed(client, asked.organisation);
  await userNamed(client, organisation, asked.subject);
  const { rowCount } = await client.query(
    'update fsp.app_user set enabled = $3 where organisation = $1 and subject = $2 and enabled <> $3',
    [organisation.id, asked.subject, enabled],
  );
  return outcome(rowCount);
}

/**
 * Makes a user a named user of their organisation's restricted records, or ends that.
 *
 * @param onRota whether they are on the out-of-hours rota; undefined: as it was, and at first not.
 */
export async function sealUser(client: pg.Client, asked: UserAt, sealed: boolean, onRota?: boolean): Promise<Outcome> {
  const organisation = await organisationNamed(client, asked.organisation);
  await userNamed(client, organisation, asked.subject);
  const { rowCount } = await client.query(
    sealed
      ? `insert into fsp.sealed_user as s (organisation, subject, on_rota) values ($1, $2, coalesce($3::boolean, false))
         on conflict (organisation, subject) do update set on_rota = excluded.on_rota where $3 is not null and s.on_rota <> excluded.on_rota`
      : 'delete from fsp.sealed_user where organisation = $1 and subject = $2',
    sealed ? [organisation.id, asked.subject, onRota ?? null] : [organisation.id, asked.subject],
  );
  return outcome(rowCount);
}

/** The users of an organisation. */
export async function listUsers(client: pg.Client, organisation: string): Promise<UserRow[]> {
  const { id } = await organisationNamed(client, organisation);
  return (await client.query<UserRow>(`${USERS} where u.organisation = $1 order by u.subject`, [id])).rows;
}

const Moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], 'must be a time like 2027-01-31 or 2027-01-31T18:00:00Z')
  .transform((written) => new Date(written))
  .refine((moment) => moment.getTime() > Date.now(), 'must be in the future');

const Revocation = z.object({ jti: tokenName, until: Moment.optional() });

/**
 * Revokes a token for good. `until` says when it would have ended of itself: the row is of no use afterwards. Without it,
 * that is a day and an hour from now, as no token is taken that was issued more than a day ago.
 */
export async function revokeToken(client: pg.Client, asked: { jti: string; until?: string }): Promise<{ outcome: Outcome; expires: Date }> {
  const { jti, until } = checked(Revocation, asked);
  const { rowCount } = await client.query(
    "insert into fsp.revoked_token (jti, expires) values ($1, coalesce($2, now() + interval '25 hours')) on conflict (jti) do nothing",
    [jti, until],
  );
  const { rows } = await client.query<{ expires: Date }>('select expires from fsp.revoked_token where jti = $1', [jti]);
  return { outcome: outcome(rowCount), expires: (rows[0] as { expires: Date }).expires };
}

export type FeedRow = {
  code: string;
  organisation: string;
  district: string | null;
  url: string | null;
  enabled: boolean;
  pulled: Date | null;
};

/** Registers a feed of services, or changes its address. @throws where the organisation is none, or code or address are another's. */
export async function addFeed(
  client: pg.Client,
  { code, organisation, district, url }: { code: string; organisation: string; district?: string; url?: string },
): Promise<Outcome> {
  const before = await client.query(
    'select from fsp.service_feed f join fsp.organisation o on o.id = f.organisation where f.code = $1 and o.code = $2 and f.url is not distinct from $3 and f.district is not distinct from $4 and f.enabled and f.by_operator',
    [code, organisation, url ?? null, district ?? null],
  );
  if (before.rowCount === 1) return 'as it was';
  checked(FEED_CODE, code);
  const { rows: owners } = await client.query<{ id: number }>('select id from fsp.organisation where code = $1', [organisation]);
  if (!owners[0]) throw new Error(`There is no organisation ${organisation}.`);
  if (district && (await client.query('select from fsp.district where code = $1', [district])).rowCount === 0)
    throw new Error(`There is no district ${district}.`);
  const { rows } = await client.query<{ id: number | null }>('select fsp.register_service_feed($1, $2, $3, $4) as id', [
    code,
    owners[0].id,
    district ?? null,
    url ?? null,
  ]);
  if (rows[0]?.id === null) throw new Error(`The feed ${code}, or its address, is another organisation's already.`);
  return 'changed';
}

/** A feed's code: lower-case letters, digits and hyphens. */
export const FEED_CODE = z.string().regex(/^[a-z][a-z0-9-]{1,59}$/, 'a code has 2 to 60 of a-z, 0-9 and -, and begins with a letter');

/** All feeds, with the end of the last complete pull. */
export async function listFeeds(client: pg.Client): Promise<FeedRow[]> {
  const { rows } = await client.query<FeedRow>(
    `select f.code, o.code as organisation, f.district, f.url, f.enabled,
       (select max(r.ended_at) from fsp.service_run r where r.feed = f.id and r.complete) as pulled
     from fsp.service_feed f join fsp.organisation o on o.id = f.organisation order by f.code`,
  );
  return rows;
}

/** Pulls a feed no more, and takes nothing that is pushed in; what is in stays. @throws where there is none. */
export async function disableFeed(client: pg.Client, code: string): Promise<Outcome> {
  const there = await client.query('select from fsp.service_feed where code = $1', [code]);
  if (there.rowCount === 0) throw new Error(`There is no feed ${code}.`);
  return outcome((await client.query('update fsp.service_feed set enabled = false where code = $1 and enabled', [code])).rowCount);
}

export type WebhookRow = {
  id: string;
  organisation: string;
  client: string;
  purpose: string;
  state: string;
  delivered: string;
  dead: string;
  url: string;
};

/** Registers a webhook for a client. @returns its number. @throws where there is no such client for the purpose, or it has too many. */
export async function addWebhook(
  client: pg.Client,
  asked: { client: string; purpose: string; url: string; types: string[] | null },
): Promise<string> {
  const { rows } = await client.query<{ id: string | null }>(
    'select fsp.create_webhook(c.organisation, c.id, $2, $3, $4) as id from fsp.client c where c.id = $1',
    [asked.client, asked.purpose, asked.url, asked.types],
  );
  if (!rows[0]?.id) throw new Error(`There is no client ${asked.client} for ${asked.purpose}, or its organisation has too many webhooks.`);
  return rows[0].id;
}

/** All webhooks, with what was delivered and what is dead. */
export async function listWebhooks(client: pg.Client): Promise<WebhookRow[]> {
  const { rows } = await client.query<WebhookRow>(
    `select w.id, o.code as organisation, w.client, w.purpose, w.url, w.delivered,
       case when w.enabled then coalesce(w.fault, 'enabled') else coalesce(w.fault, 'disabled') end as state,
       (select count(*) from fsp.webhook_event e where e.webhook = w.id and e.dead_at is not null) as dead
     from fsp.webhook w join fsp.organisation o on o.id = w.organisation order by w.id`,
  );
  return rows;
}

/** Sends nothing more, or goes on where it was. @throws where there is none. */
export async function enableWebhook(client: pg.Client, id: string, enabled: boolean): Promise<Outcome> {
  const { rows } = await client.query<{ enabled: boolean }>('select enabled from fsp.webhook where id::text = $1', [id]);
  if (!rows[0]) throw new Error(`There is no webhook ${id}.`);
  if (rows[0].enabled === enabled) return 'as it was';
  await client.query('select fsp.change_webhook($1, null, null, $2)', [id, enabled]);
  return 'changed';
}

/** What the secrets of a webhook are made of: the newest generation first. @throws where there is none. */
export async function webhookGenerations(client: pg.Client, id: string): Promise<{ salt: string; generations: number[] }> {
  const { rows } = await client.query<{ salt: string; generation: number; previous: boolean | null }>(
    'select salt, generation, previous_until > now() as previous from fsp.webhook where id::text = $1',
    [id],
  );
  if (!rows[0]) throw new Error(`There is no webhook ${id}.`);
  const { salt, generation, previous } = rows[0];
  return { salt, generations: previous && generation > 1 ? [generation, generation - 1] : [generation] };
}
