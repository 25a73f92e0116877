/** Who asks, what was decided, and the grants that follow. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, customType, index, integer, type PgColumn, primaryKey, text } from 'drizzle-orm/pg-core';
import type { Agency } from '../../access/classes.ts';
import { classify, fsp, key, moment } from '../../db/classified.ts';

const period = customType<{ data: string }>({ dataType: () => 'tstzrange' });

/** The period's ends, for policies to compare. */
const ends = () => ({
  starts: moment('starts').notNull().generatedAlwaysAs(sql`lower(period)`),
  ends: moment('ends').notNull().generatedAlwaysAs(sql`upper(period)`),
});

/** Every body with a login of its own: a county, a team, a trust, a school, a council's desk, a provider. */
export const organisation = classify(
  fsp.table('organisation', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    agency: text('agency').$type<Agency>().notNull(),
    /** What kind of body it is, from the code list `organisation-kind`. */
    kind: text('kind').notNull(),
    parent: integer('parent'),
    district: text('district'),
    /** Where it is rung up by professionals. */
    phone: text('phone'),
    validFrom: text('valid_from'),
    validTo: text('valid_to'),
  }),
  'DIRECTORY',
);

/**
 * PostgreSQL logins: one for each organisation, a sealed one for its restricted records, one for its emergencies. Their id is the role's own
 * object id, which a policy reads without a table (`fsp.current_login`); provisioning renews it after a restore.
 */
export const login = classify(
  fsp.table('login', {
    id: key('id').primaryKey(),
    name: text('name').notNull().unique(),
    organisation: integer('organisation')
      .notNull()
      .references(() => organisation.id),
    sealed: boolean('sealed').notNull(),
    /** Sees the families of open emergencies alone, and of them the classes that were asked for. */
    emergency: boolean('emergency').notNull().default(false),
  }),
  'DIRECTORY',
);

/** Applications of an organisation. Read by the gate, before a request has an organisation. */
export const client = classify(
  fsp.table('client', {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    organisation: integer('organisation')
      .notNull()
      .references(() => organisation.id),
    scopes: text('scopes').array().notNull(),
    purposes: text('purposes').array().notNull(),
    defaultPurpose: text('default_purpose'),
    /** Its operator declared that it keeps restricted, sensitive and kept-from records as they are kept here. */
    honoursRestrictions: boolean('honours_restrictions').notNull().default(false),
    enabled: boolean('enabled').notNull().default(true),
  }),
  'OPERATION',
);

/** People who work through a client. `subject` is the token's `sub`. */
export const appUser = classify(
  fsp.table(
    'app_user',
    {
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      subject: text('subject').notNull(),
      name: text('name').notNull(),
      enabled: boolean('enabled').notNull().default(true),
    },
    (t) => [primaryKey({ columns: [t.organisation, t.subject] })],
  ),
  'OPERATION',
);

export const revokedToken = classify(
  fsp.table('revoked_token', {
    jti: text('jti').primaryKey(),
    expires: moment('expires').notNull(),
  }),
  'OPERATION',
);

/** Who is named in a multi-disciplinary team, whoever employs them. */
export const teamMember = classify(
  fsp.table(
    'team_member',
    {
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      subject: text('subject').notNull(),
      discipline: text('discipline').notNull(),
      from: moment('from').notNull(),
      until: moment('until'),
    },
    (t) => [primaryKey({ columns: [t.organisation, t.subject, t.from] })],
  ),
  'OPERATION',
);

/** Users who may work on an organisation's restricted records, through its sealed login. */
export const sealedUser = classify(
  fsp.table(
    'sealed_user',
    {
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      subject: text('subject').notNull(),
      /** Is on the out-of-hours rota: of those who may be asked about a restricted record, one always can be. */
      onRota: boolean('on_rota').notNull().default(false),
    },
    (t) => [primaryKey({ columns: [t.organisation, t.subject] })],
  ),
  'OPERATION',
);

/** What the change feed asks: whose rights began or ended by the clock since it last asked. */
const ofClock = (name: string, t: { starts: PgColumn; ends: PgColumn }) => [
  index(`${name}_starts`)
    .on(t.starts as never)
    .where(sql`starts > '-infinity'`),
  index(`${name}_ends`)
    .on(t.ends as never)
    .where(sql`ends < 'infinity'`),
];

/** In whose hands a family is at the county: the teams that work with it, and the county's named workers. Null: every user's. */
const hands = () => ({ teams: integer('teams').array(), workers: text('workers').array() });

/**
 * Which login may see which family, when, and what decisions add and take away. Written by the trigger alone
 * (drizzle/access.sql, `rebuild_grants`); periods of one login and family never overlap.
 */
export const familyGrant = classify(
  fsp.table(
    'family_grant',
    {
      login: key('login').notNull(),
      family: key('family').notNull(),
      period: period('period').notNull(),
      ...ends(),
      shared: bigint('shared', { mode: 'bigint' }).notNull(),
      withheld: bigint('withheld', { mode: 'bigint' }).notNull(),
      /** The purposes at whose stages the family stands today (`stageBit`). */
      purposes: integer('purposes').notNull(),
      /** The persons whom this login works with, where it works with named persons only. */
      onlyWith: bigint('only_with', { mode: 'bigint' }).array(),
      /** A member's whereabouts are protected, and this organisation is not named with that member. */
      guarded: boolean('guarded').notNull().default(false),
      ...hands(),
    },
    // The first drives lists of a login's families; the second is what every policy probes.
    (t) => [
      index('family_grant_login_family').on(t.login, t.family),
      index('family_grant_family_login').on(t.family, t.login),
      ...ofClock('family_grant', t),
    ],
  ),
  'STRUCTURE',
);

/** Which login may see which person; `family_shared` and `family_withheld` come from the families it sees them in. */
export const personGrant = classify(
  fsp.table(
    'person_grant',
    {
      login: key('login').notNull(),
      person: key('person').notNull(),
      period: period('period').notNull(),
      ...ends(),
      shared: bigint('shared', { mode: 'bigint' }).notNull(),
      withheld: bigint('withheld', { mode: 'bigint' }).notNull(),
      familyShared: bigint('family_shared', { mode: 'bigint' }).notNull(),
      familyWithheld: bigint('family_withheld', { mode: 'bigint' }).notNull(),
      /** Classes that every row about this person needs besides its own (an unborn child: CLINICAL). */
      needs: bigint('needs', { mode: 'bigint' }).notNull(),
      /** The person agreed to this organisation's involvement. */
      agreed: boolean('agreed').notNull(),
      /** The same of the families in which the login sees the person. */
      purposes: integer('purposes').notNull(),
      guarded: boolean('guarded').notNull().default(false),
      ...hands(),
    },
    (t) => [index('person_grant_person_login').on(t.person, t.login), ...ofClock('person_grant', t)],
  ),
  'STRUCTURE',
);

/** Users who work with named persons of a family only, and when: what is kept from those persons is kept from them. */
export const userFocus = classify(
  fsp.table(
    'user_focus',
    {
      login: key('login').notNull(),
      subject: text('subject').notNull(),
      family: key('family').notNull(),
      starts: moment('starts').notNull(),
      ends: moment('ends').notNull(),
      onlyWith: bigint('only_with', { mode: 'bigint' }).array().notNull(),
    },
    (t) => [primaryKey({ columns: [t.family, t.login, t.subject, t.starts] })],
  ),
  'STRUCTURE',
);

/**
 * What a login cannot know, of a family or of who belongs to it: which of its users may not look at all (`barred`), where somebody's
 * whereabouts are protected (`guarded`) and who is named with that person (`named`), for whom an emergency is open (`opened`), and what
 * is the record of a child before an adoption (`adoption`).
 */
export const userRule = classify(
  fsp.table(
    'user_rule',
    {
      login: key('login').notNull(),
      kind: text('kind').$type<'barred' | 'guarded' | 'named' | 'opened' | 'adoption'>().notNull(),
      family: key('family').notNull(),
      /** Null: the family itself; else one of those who ever belonged to it. */
      person: key('person'),
      /** The protected person of `guarded` and `named`, by the id under which they belong to the family. */
      about: key('about'),
      /** The classes of `opened`: of a colleague's emergency the user has nothing. */
      mask: bigint('mask', { mode: 'bigint' }),
      /** Empty: whoever works on this login. */
      subjects: text('subjects').array().notNull(),
      starts: moment('starts').notNull(),
      ends: moment('ends').notNull(),
    },
    (t) => [
      index('user_rule_family').on(t.family, t.login, t.kind),
      index('user_rule_person').on(t.person, t.login, t.kind),
      index('user_rule_barred').on(t.login).where(sql`${t.kind} = 'barred'`),
      ...ofClock('user_rule', t),
    ],
  ),
  'STRUCTURE',
);

/** Code lists that others change: reference data with a version, a source and validity dates. */
export const code = classify(
  fsp.table(
    'code',
    {
      list: text('list').notNull(),
      code: text('code').notNull(),
      version: text('version').notNull(),
      label: text('label').notNull(),
      source: text('source').notNull(),
      validFrom: text('valid_from').notNull(),
      validTo: text('valid_to'),
    },
    (t) => [primaryKey({ columns: [t.list, t.code, t.version] })],
  ),
  'DIRECTORY',
);
