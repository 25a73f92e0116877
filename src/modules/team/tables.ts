/** The people who work: how teams are shaped, the posts in them, who holds these, what they have learnt. */
import { sql } from 'drizzle-orm';
import { boolean, date, index, integer, numeric, text, unique, uniqueIndex } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';

const organisationKey = (name: string) => integer(name).references(() => organisation.id);
/** Full-time equivalent: 1 is one whole post. */
const fte = () => numeric('fte', { precision: 6, scale: 2 });

/** A kind of team, as an authority shapes its own. */
export const teamType = classify(
  fsp.table('team_type', { code: text('code').primaryKey(), name: text('name').notNull(), description: text('description').notNull() }),
  'DIRECTORY',
);

/** The posts that a team of a type is planned to have. */
export const teamShape = classify(
  fsp.table(
    'team_shape',
    {
      id: integer('id').primaryKey(),
      teamType: text('team_type')
        .notNull()
        .references(() => teamType.code),
      discipline: text('discipline').notNull(),
      posts: integer('posts').notNull(),
      /** A team's part of a shared post is less than one. */
      fte: fte().notNull(),
      shared: boolean('shared').notNull(),
    },
    (t) => [unique('team_shape_discipline').on(t.teamType, t.discipline)],
  ),
  'DIRECTORY',
);

/** What is public about a team: which organisation it is, of which kind, and where it works. */
export const team = classify(
  fsp.table('team', {
    organisation: organisationKey('organisation').primaryKey(),
    teamType: text('team_type')
      .notNull()
      .references(() => teamType.code),
    area: text('area').notNull(),
    location: text('location'),
    gpNetwork: text('gp_network'),
    colocatedWith: text('colocated_with'),
  }),
  'DIRECTORY',
);

/** Keys of a row of the county's own house. */
const ofStaff = () => ({ id: id(), controller: controller(), worker: text('worker') });
const columns = ['controller'];

/** What a team is to have of one discipline. Written from its shape when it is loaded; the county's to change from then on. */
export const establishment = classify(
  fsp.table(
    'establishment',
    {
      ...ofStaff(),
      team: organisationKey('team').notNull(),
      discipline: text('discipline').notNull(),
      posts: integer('posts').notNull(),
      fte: fte().notNull(),
      /** Families that one worker is to have; null where nobody has said. */
      caseload: integer('caseload'),
      version: version(),
      ...times(),
    },
    (t) => [unique('establishment_of_team').on(t.team, t.discipline)],
  ),
  'STAFF',
  { own: { columns } },
);

/** A post: what it is for, who employs, who pays, until when. */
export const post = classify(
  fsp.table(
    'post',
    {
      ...ofStaff(),
      discipline: text('discipline').notNull(),
      employer: organisationKey('employer').notNull(),
      /** Null: the county's own budget. */
      funder: organisationKey('funder'),
      fundedFrom: date('funded_from'),
      fundedUntil: date('funded_until'),
      fte: fte().notNull(),
      /** Its holder comes from the employer for a time. */
      seconded: boolean('seconded').notNull().default(false),
      /** Somebody from an agency stands in at the employer meanwhile. */
      backfill: boolean('backfill').notNull().default(false),
      from: date('from').notNull(),
      until: date('until'),
      version: version(),
      ...times(),
    },
    (t) => [index('post_discipline').on(t.discipline, t.id)],
  ),
  'STAFF',
  { own: { columns } },
);

const postKey = () =>
  key('post')
    .notNull()
    .references(() => post.id);

/** A team's part of a post. A post is of one team, or shared by many. */
export const postShare = classify(
  fsp.table(
    'post_share',
    {
      ...ofStaff(),
      post: postKey(),
      team: organisationKey('team').notNull(),
      fte: fte().notNull(),
      from: date('from').notNull(),
      until: date('until'),
    },
    (t) => [index('post_share_post').on(t.post), index('post_share_team').on(t.team)],
  ),
  'STAFF',
  { own: { columns } },
);

/** Who holds a post, and when. `holder` is the user's subject, where the person uses the platform. */
export const postHolding = classify(
  fsp.table(
    'post_holding',
    {
      ...ofStaff(),
      post: postKey(),
      holder: text('holder'),
      name: text('name').notNull(),
      locum: boolean('locum').notNull().default(false),
      from: date('from').notNull(),
      until: date('until'),
      version: version(),
      ...times(),
    },
    (t) => [index('post_holding_post').on(t.post), uniqueIndex('post_held').on(t.post).where(sql`until is null`)],
  ),
  'STAFF',
  { own: { columns } },
);

/** What somebody has been trained in, and how far. */
export const training = classify(
  fsp.table(
    'training',
    {
      ...ofStaff(),
      trainee: text('trainee').notNull(),
      programme: text('programme').notNull(),
      level: text('level').notNull(),
      completedOn: date('completed_on').notNull(),
    },
    (t) => [index('training_trainee').on(t.trainee, t.id)],
  ),
  'STAFF',
  { own: { columns } },
);

/** One answer of a survey of skills and confidence. It names a discipline or a partner, never who answered. */
export const confidenceAnswer = classify(
  fsp.table(
    'confidence_answer',
    {
      id: id(),
      controller: controller(),
      discipline: text('discipline'),
      partner: organisationKey('partner'),
      needArea: text('need_area').notNull(),
      score: integer('score').notNull(),
      answeredOn: date('answered_on').notNull(),
    },
    (t) => [index('confidence_answer_area').on(t.needArea, t.id)],
  ),
  'STAFF',
  { own: { columns } },
);
