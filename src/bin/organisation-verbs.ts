/** The verbs of `npm run organisation`: what each needs, what it does, and what it says. */
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { FED_TYPES } from '../access/fed.ts';
import { DEVELOPMENT } from '../access/tokens.ts';
import { webhookSecret } from '../change/standard-webhooks.ts';
import type { Config } from '../config.ts';
import { LOGIN_KINDS, loginName } from '../db/logins.ts';
import { databaseFault } from '../db/migrate.ts';
import * as provision from '../db/provision.ts';
import { checkAddress } from '../exchange/open-referral/fetch.ts';
import { addressFault } from '../exchange/post.ts';
import { enumName } from '../graphql/classes.ts';
import { agencyNamed } from './command.ts';
import { commandAsOwner } from './owner.ts';

type At = { client: pg.Client; config: Config; loginSecret: string; database: string };

type Verb = {
  what: string;
  /** Options and what stands for their values in the usage. */
  needs: Record<string, string>;
  may: Record<string, string>;
  /** @returns the lines to print. */
  work(at: At, given: Record<string, string>): Promise<string[]>;
};

/** A verb whose work is given the options it names. */
function verb<N extends string, M extends string>(
  what: string,
  needs: Record<N, string>,
  may: Record<M, string>,
  work: (at: At, given: Record<N, string> & Partial<Record<M, string>>) => Promise<string[]>,
): Verb {
  return { what, needs, may, work: work as Verb['work'] };
}

const words = (list: string) => list.split(/[\s,]+/).filter((word) => word !== '');

/** Rows under their heads, in columns. */
function columns(heads: string[], rows: (string | number)[][]): string[] {
  const table = [heads, ...rows.map((row) => row.map(String))];
  const widths = heads.map((_, column) => Math.max(...table.map((row) => (row[column] as string).length)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
}

/** What the identity provider puts into a client's tokens. */
function tokenOf({ id, organisation, scopes }: provision.ClientRow, { identity }: Config): string[] {
  const setting = (name: string, value: string | undefined, development: string) =>
    value ?? `what the server has as ${name} (the development issuer's: ${development})`;
  return [
    "The identity provider puts into this client's access tokens (RFC 9068):",
    ...columns(
      ['  typ', 'at+jwt, in the header'],
      [
        ['  iss', setting('ISSUER', identity?.issuer, DEVELOPMENT.issuer)],
        ['  aud', setting('AUDIENCE', identity?.audience, DEVELOPMENT.audience)],
        ['  client_id', id],
        ['  organisation', organisation],
        ['  scope', scopes.length > 0 ? `${scopes.join(' ')} (or fewer of them)` : 'an empty text'],
        ['  sub', `the user's subject; ${id} where nobody works with it`],
        ['  jti, iat, exp', 'an id of its own; when it was issued, at most 24 hours ago; when it ends'],
      ],
    ),
  ];
}

const changed = (outcome: provision.Outcome, did: string, was: string) => (outcome === 'changed' ? did : `${was} Nothing was changed.`);

const USER = { organisation: '<code>', subject: '<subject>' };

const enabling = (enabled: boolean) => ({ did: enabled ? 'Enabled' : 'Disabled', was: enabled ? 'enabled' : 'disabled' });

function enableClient(what: string, enabled: boolean): Verb {
  const { did, was } = enabling(enabled);
  return verb(what, { id: '<client id>' }, {}, async ({ client }, { id }) => [
    changed(await provision.enableClient(client, id, enabled), `${did} the client ${id}.`, `The client ${id} was ${was} already.`),
  ]);
}

function enableUser(what: string, enabled: boolean): Verb {
  const { did, was } = enabling(enabled);
  return verb(what, USER, {}, async ({ client }, user) => {
    const who = `${user.subject} of ${user.organisation}`;
    return [changed(await provision.enableUser(client, user, enabled), `${did} the user ${who}.`, `The user ${who} was ${was} already.`)];
  });
}

function sealUser(what: string, sealed: boolean): Verb {
  const may = sealed ? { rota: '<on or off>' } : {};
  return verb(what, USER, may as { rota: string }, async ({ client }, { rota, ...user }) => {
    if (rota !== undefined && rota !== 'on' && rota !== 'off') throw new Error('Say --rota on, or --rota off.');
    const who = `${user.subject} of ${user.organisation}`;
    const stands = sealed ? 'a named user of restricted records' : 'no named user of restricted records';
    return [
      changed(
        await provision.sealUser(client, user, sealed, rota === undefined ? undefined : rota === 'on'),
        `${who} is now ${stands}.`,
        `${who} was ${stands} already.`,
      ),
    ];
  });
}

function enableWebhook(what: string, enabled: boolean): Verb {
  const { did, was } = enabling(enabled);
  return verb(what, { id: '<id>' }, {}, async ({ client }, { id }) => [
    changed(await provision.enableWebhook(client, id, enabled), `${did} the webhook ${id}.`, `The webhook ${id} was ${was} already.`),
  ]);
}

async function secretsOf(client: pg.Client, loginSecret: string, id: string): Promise<string[]> {
  const { salt, generations } = await provision.webhookGenerations(client, id);
  return generations.map((generation, n) => `${n === 0 ? 'Its secret' : 'Until its end'}: ${webhookSecret(loginSecret, salt, generation)}`);
}

const VERBS: Record<string, Verb> = {
  add: verb(
    'adds an organisation with its PostgreSQL logins',
    { code: '<code>', name: '<name>', agency: '<AGENCY>' },
    { kind: '<kind>', parent: '<code>', district: '<ONS code>' },
    async ({ client, loginSecret, database }, given) => {
      const asked = { ...given, agency: agencyNamed(given.agency) };
      const { outcome, organisation } = await provision.addOrganisation(client, loginSecret, asked);
      const { code, name, agency, kind } = organisation;
      const logins = LOGIN_KINDS.map((kind) => loginName(database, code, kind));
      return outcome === 'changed'
        ? [
            `Added ${name} (${code}, ${agency}, ${kind}) with the logins ${logins.join(', ')}.`,
            'It sees no family until an involvement with one is recorded.',
          ]
        : [`The organisation ${code} is there already (${name}, ${agency}, ${kind}). Nothing was changed.`];
    },
  ),
  list: verb('names all organisations, and counts their enabled clients and users', {}, {}, async ({ client }) =>
    columns(
      ['code', 'agency', 'clients', 'users', 'name'],
      (await provision.listOrganisations(client)).map(({ code, agency, clients, users, name }) => [code, agency, clients, users, name]),
    ),
  ),
  'client add': verb(
    'adds a client, and says what its tokens must carry',
    { organisation: '<code>', id: '<client id>', name: '<name>', purposes: '<A,B>', scopes: '"<a b>"' },
    { 'default-purpose': '<A>' },
    async ({ client, config }, { purposes, scopes, 'default-purpose': defaultPurpose, ...given }) => {
      const asked = { ...given, purposes: words(purposes), scopes: words(scopes), ...(defaultPurpose && { defaultPurpose }) };
      const { outcome, client: added } = await provision.addClient(client, asked);
      const state = added.enabled ? '' : ' It is disabled.';
      return [
        changed(
          outcome,
          `Added the client ${added.id} of ${added.organisation} for ${added.purposes.join(', ')}; without X-Purpose-Of-Use: ${added.defaultPurpose ?? 'refused'}.`,
          `The client ${added.id} of ${added.organisation} is there already.${state}`,
        ),
        ...tokenOf(added, config),
      ];
    },
  ),
  'client list': verb('names the clients', {}, { organisation: '<code>' }, async ({ client }, { organisation }) =>
    columns(
      ['id', 'organisation', 'state', 'purposes', 'scopes', 'name'],
      (await provision.listClients(client, organisation)).map((row) => [
        row.id,
        row.organisation,
        row.enabled ? 'enabled' : 'disabled',
        row.purposes.join(' '),
        row.scopes.join(' '),
        row.name,
      ]),
    ),
  ),
  'client honours': verb(
    'writes down whether its system keeps restricted, sensitive and kept-from records as they are kept here',
    { id: '<client id>', restrictions: '<on or off>' },
    {},
    async ({ client }, { id, restrictions }) => {
      if (restrictions !== 'on' && restrictions !== 'off') throw new Error('Say --restrictions on, or --restrictions off.');
      const stands = restrictions === 'on' ? 'honours restrictions' : 'does not honour restrictions';
      return [
        changed(
          await provision.honourRestrictions(client, id, restrictions === 'on'),
          `From now on the client ${id} ${stands}.`,
          `It is written already that the client ${id} ${stands}.`,
        ),
      ];
    },
  ),
  'client disable': enableClient('refuses the client from now on', false),
  'client enable': enableClient('takes the client again', true),
  'user add': verb(
    'adds a user, who works through any client of the organisation',
    { ...USER, name: '<name>' },
    {},
    async ({ client }, user) => {
      const who = `${user.subject} of ${user.organisation}`;
      return [changed(await provision.addUser(client, user), `Added the user ${who}.`, `The user ${who} is there already.`)];
    },
  ),
  'user list': verb('names the users of an organisation', { organisation: '<code>' }, {}, async ({ client }, { organisation }) =>
    columns(
      ['subject', 'state', 'restricted records', 'name'],
      (await provision.listUsers(client, organisation)).map((row) => [
        row.subject,
        row.enabled ? 'enabled' : 'disabled',
        row.sealed ? 'named user' : '-',
        row.name,
      ]),
    ),
  ),
  'user disable': enableUser('refuses the user from now on', false),
  'user enable': enableUser('takes the user again', true),
  'user seal': sealUser("makes the user a named user of the organisation's restricted records", true),
  'user unseal': sealUser('ends that they are a named user of restricted records', false),
  'feed add': verb(
    "registers a feed of services (Open Referral UK) as an organisation's; without an address it is pushed in",
    { organisation: '<code>', code: '<feed code>' },
    { url: '<address>', district: '<ONS code>' },
    async ({ client, config }, given) => {
      if (given.url) checkAddress(given.url, config.feedHosts);
      const next = given.url
        ? `npm run directory:pull -- --feed ${given.code} pulls it`
        : 'a client of it with the scope directory:write pushes services in (publishServices)';
      return [
        changed(
          await provision.addFeed(client, given),
          `Registered the feed ${given.code} of ${given.organisation}; ${next}.`,
          `The feed ${given.code} is registered so already.`,
        ),
      ];
    },
  ),
  'feed list': verb('names the feeds of services', {}, {}, async ({ client }) =>
    columns(
      ['code', 'organisation', 'state', 'last complete', 'address'],
      (await provision.listFeeds(client)).map((row) => [
        row.code,
        row.organisation,
        row.enabled ? 'enabled' : 'disabled',
        row.pulled?.toISOString() ?? '-',
        row.url ?? 'pushed in',
      ]),
    ),
  ),
  'feed disable': verb('pulls a feed no more; what is in stays', { code: '<feed code>' }, {}, async ({ client }, { code }) => [
    changed(await provision.disableFeed(client, code), `Disabled the feed ${code}.`, `The feed ${code} was disabled already.`),
  ]),
  'webhook add': verb(
    'has a client told of changes, also at an address inside the network (WEBHOOK_HOSTS)',
    { client: '<client id>', purpose: '<PURPOSE>', url: '<address>' },
    { types: '<A,B>' },
    async ({ client, config, loginSecret }, { types, ...given }) => {
      const fault = addressFault(given.url, config.webhookHosts);
      if (fault) throw new Error(fault);
      const chosen = types === undefined ? null : words(types);
      const unknown = chosen?.find((type) => !FED_TYPES.map(enumName).includes(type));
      if (unknown) throw new Error(`There is no type ${unknown}; there are ${FED_TYPES.map(enumName).join(', ')}.`);
      const id = await provision.addWebhook(client, { ...given, types: chosen });
      return [`Registered the webhook ${id} of ${given.client}.`, ...(await secretsOf(client, loginSecret, id))];
    },
  ),
  'webhook list': verb('names the webhooks, with what was delivered and what is dead', {}, {}, async ({ client }) =>
    columns(
      ['id', 'organisation', 'client', 'purpose', 'state', 'delivered', 'dead', 'address'],
      (await provision.listWebhooks(client)).map((row) => [
        row.id,
        row.organisation,
        row.client,
        row.purpose,
        row.state,
        row.delivered,
        row.dead,
        row.url,
      ]),
    ),
  ),
  'webhook secret': verb('prints the secrets that sign what a webhook sends', { id: '<id>' }, {}, ({ client, loginSecret }, { id }) =>
    secretsOf(client, loginSecret, id),
  ),
  'webhook disable': enableWebhook('sends nothing more', false),
  'webhook enable': enableWebhook('goes on where it was', true),
  'token revoke': verb(
    'refuses one token from now on; --until: when it would have ended',
    { jti: '<jti>' },
    { until: '<time>' },
    async ({ client }, asked) => {
      const { outcome, expires } = await provision.revokeToken(client, asked);
      return [
        changed(
          outcome,
          `Revoked the token ${asked.jti}; it would have ended by ${expires.toISOString()}.`,
          `The token ${asked.jti} was revoked already.`,
        ),
      ];
    },
  ),
};

const optionsOf = ({ needs, may }: Verb) =>
  [
    ...Object.entries(needs).map(([option, value]) => `--${option} ${value}`),
    ...Object.entries(may).map(([option, value]) => `[--${option} ${value}]`),
  ].join(' ');

const usage = () =>
  [
    'npm run organisation -- <verb> <options>',
    ...Object.entries(VERBS).map(([name, one]) => `  ${`${name} ${optionsOf(one)}`.trim()}\n      ${one.what}`),
  ].join('\n');

/** The options of a verb. @throws naming the first that is missing, or is none of the verb's. */
function readOptions(name: string, chosen: Verb, args: string[]): Record<string, string> {
  const options = Object.fromEntries(
    Object.keys({ ...chosen.needs, ...chosen.may }).map((option) => [option, { type: 'string' } as const]),
  );
  const { values } = parseArgs({ args, options });
  const missing = Object.keys(chosen.needs).find((option) => values[option] === undefined);
  if (missing !== undefined) throw new Error(`Say --${missing}: npm run organisation -- ${name} ${optionsOf(chosen)}`);
  return values as Record<string, string>;
}

/** @throws where the database is not at this version: what is written here must be what the servers read. */
async function requirePrepared(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>("select to_regclass('fsp.access_state') is not null as there");
  const fault = rows[0]?.there
    ? await databaseFault(async (sql) => (await client.query(sql)).rows)
    : 'There are no tables yet: run "npm run db:migrate".';
  if (fault) throw new Error(fault);
}

/** What was done, or (for `--help` and what is no verb) how it is used. */
export type Said = { usage: boolean; text: string };

/** Does what a command line asks. @throws what is wrong with it, in words; then nothing was changed. */
export async function organisation(args: string[], env: NodeJS.ProcessEnv): Promise<Said> {
  const end = args.findIndex((arg) => arg.startsWith('-'));
  const name = args.slice(0, end === -1 ? args.length : end).join(' ');
  const chosen = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!chosen || args.includes('--help')) return { usage: true, text: usage() };
  const given = readOptions(name, chosen, args.slice(name.split(' ').length));
  return commandAsOwner(env, async (client, { config, database }) => {
    await requirePrepared(client);
    const lines = await chosen.work({ client, config, loginSecret: database.loginSecret, database: database.server.database }, given);
    return { usage: false, text: lines.join('\n') };
  });
}
