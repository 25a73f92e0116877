import {
  type Binding,
  byId,
  code,
  column,
  computed,
  type FieldBinding,
  list,
  one,
  type RootBinding,
  type Subquery,
} from '../../read/binding.ts';
import { involvement } from '../family/tables.ts';
import { confidenceAnswer, establishment, post, postHolding, postShare, team, teamShape, teamType, training } from './tables.ts';

const onDay = (alias: string) => `${alias}."from" <= current_date and (${alias}.until is null or ${alias}.until > current_date)`;
const nowAt = (alias: string) => `${alias}."from" <= now() and (${alias}.until is null or ${alias}.until > now())`;

/** Shares of an establishment row's team in posts of its discipline; `held`: in those that somebody holds today. */
const shares = (e: string, sub: Subquery, held: boolean) =>
  `${sub(postShare, 's')} and s.team = ${e}.team and ${onDay('s')} and s.post in (select p.id ${sub(post, 'p')} and p.discipline = ${e}.discipline and ${onDay('p')})${held ? ` and s.post in (select h.post ${sub(postHolding, 'h')} and ${onDay('h')})` : ''}`;

/** Those who hold the team's posts of the discipline today. */
const holders = (e: string, sub: Subquery) =>
  `${sub(postHolding, 'w')} and ${onDay('w')} and w.post in (select s.post ${shares(e, sub, false)})`;

/** Families of the team with which one of its holders of the discipline works today, once for each holder. */
const families = (e: string, sub: Subquery) =>
  `(select count(distinct (i.family, i.worker)) ${sub(involvement, 'i')} and ${nowAt('i')} and i.worker in (select w.holder ${holders(e, sub)}) and i.family in (select t.family ${sub(involvement, 't')} and t.organisation = ${e}.team and ${nowAt('t')}))`;

const workers = (e: string, sub: Subquery) => `(select count(*) ${holders(e, sub)} and w.holder is not null)`;

/** A holder's families today, and how many a worker of the discipline is to have in the teams of the post. */
const ofHolder = (h: string, sub: Subquery) =>
  `(select count(distinct i.family) ${sub(involvement, 'i')} and ${nowAt('i')} and i.worker = ${h}.holder)`;
const plannedFor = (h: string, sub: Subquery) =>
  `(select max(e.caseload) ${sub(establishment, 'e')} and e.discipline = (select p.discipline ${sub(post, 'p')} and p.id = ${h}.post) and e.team in (select s.team ${sub(postShare, 's')} and s.post = ${h}.post and ${onDay('s')}))`;

/** By how much a figure is above its plan, in percent; below it, negative. */
const above = (actual: string, planned: string) => `round(100.0 * ${actual} / nullif(${planned}, 0) - 100)::integer`;

const integer = { type: 'integer' } as const;
const numeric = { type: 'numeric' } as const;

export const bindings: Binding[] = [
  {
    type: 'TeamType',
    anchor: teamType,
    fields: {
      code: column(teamType.code),
      name: column(teamType.name),
      description: column(teamType.description),
      posts: list('PlannedPost', 'team_type', 'code', { keys: [{ column: 'id', type: 'integer' }] }),
    },
  },
  {
    type: 'PlannedPost',
    anchor: teamShape,
    fields: {
      discipline: code('discipline', teamShape.discipline),
      posts: column(teamShape.posts),
      fte: column(teamShape.fte),
      shared: column(teamShape.shared),
    },
  },
  {
    type: 'Team',
    anchor: team,
    fields: {
      type: one('TeamType', team.teamType, 'code'),
      area: column(team.area),
      location: column(team.location),
      gpNetwork: column(team.gpNetwork),
      colocatedWith: column(team.colocatedWith),
    },
  },
  {
    type: 'TeamDiscipline',
    anchor: establishment,
    id: 'id',
    fields: {
      team: one('Organisation', establishment.team, 'id'),
      discipline: code('discipline', establishment.discipline),
      plannedPosts: column(establishment.posts),
      plannedFte: column(establishment.fte),
      plannedCaseload: column(establishment.caseload),
      filledPosts: computed(establishment, (e, sub) => `(select count(*) ${shares(e, sub, true)})::integer`, integer),
      filledFte: computed(establishment, (e, sub) => `(select coalesce(sum(s.fte), 0) ${shares(e, sub, true)})`, numeric),
      vacantPosts: computed(
        establishment,
        (e, sub) => `greatest(${e}.posts - (select count(*) ${shares(e, sub, true)}), 0)::integer`,
        integer,
      ),
      vacancyPercent: computed(
        establishment,
        (e, sub) => `greatest(round(100 * (1 - (select coalesce(sum(s.fte), 0) ${shares(e, sub, true)}) / nullif(${e}.fte, 0)), 1), 0)`,
        numeric,
      ),
      locums: computed(establishment, (e, sub) => `(select count(*) ${holders(e, sub)} and w.locum)::integer`, integer),
      families: computed(establishment, (e, sub) => `${families(e, sub)}::integer`, integer),
      abovePlanPercent: computed(establishment, (e, sub) => above(families(e, sub), `(${e}.caseload * ${workers(e, sub)})`), integer),
      version: column(establishment.version),
    },
  },
  {
    type: 'Post',
    anchor: post,
    id: 'id',
    fields: {
      discipline: code('discipline', post.discipline),
      employer: one('Organisation', post.employer, 'id'),
      funder: one('Organisation', post.funder, 'id'),
      fundedFrom: column(post.fundedFrom),
      fundedUntil: column(post.fundedUntil),
      fte: column(post.fte),
      seconded: column(post.seconded),
      backfill: column(post.backfill),
      from: column(post.from),
      until: column(post.until),
      vacant: computed(post, (p, sub) => `not exists (select ${sub(postHolding, 'h')} and h.post = ${p}.id and ${onDay('h')})`, {
        type: 'boolean',
      }),
      shares: list('PostShare', 'post', 'id', byId),
      holdings: list('PostHolding', 'post', 'id', byId),
      version: column(post.version),
    },
  },
  {
    type: 'PostShare',
    anchor: postShare,
    fields: {
      team: one('Organisation', postShare.team, 'id'),
      fte: column(postShare.fte),
      from: column(postShare.from),
      until: column(postShare.until),
    },
  },
  {
    type: 'PostHolding',
    anchor: postHolding,
    id: 'id',
    fields: {
      post: one('Post', postHolding.post, 'id'),
      holder: column(postHolding.holder),
      name: column(postHolding.name),
      locum: column(postHolding.locum),
      from: column(postHolding.from),
      until: column(postHolding.until),
      families: computed(postHolding, (h, sub) => `${ofHolder(h, sub)}::integer`, integer),
      plannedCaseload: computed(postHolding, plannedFor, integer),
      abovePlanPercent: computed(postHolding, (h, sub) => above(ofHolder(h, sub), plannedFor(h, sub)), integer),
      version: column(postHolding.version),
    },
  },
  {
    type: 'Training',
    anchor: training,
    id: 'id',
    fields: {
      trainee: column(training.trainee),
      programme: code('training-programme', training.programme),
      level: code('training-level', training.level),
      completed: column(training.completedOn),
    },
  },
  {
    type: 'ConfidenceAnswer',
    anchor: confidenceAnswer,
    id: 'id',
    fields: {
      discipline: code('discipline', confidenceAnswer.discipline),
      partner: one('Organisation', confidenceAnswer.partner, 'id'),
      needArea: code('need-area', confidenceAnswer.needArea),
      score: column(confidenceAnswer.score),
      answered: column(confidenceAnswer.answeredOn),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Organisation: { team: { kind: 'one', to: 'Team', on: (o, t) => `${t}.organisation = ${o}.id` } },
};

const oneTeam = (where: (alias: string, parameter: string, sub: Subquery) => string) =>
  ({ decode: 'id', type: 'Organisation', where }) as const;

export const roots: Record<string, RootBinding> = {
  teamTypes: { kind: 'list', to: 'TeamType', order: { keys: [{ column: 'code', type: 'text' }] }, filters: {} },
  workforce: {
    kind: 'list',
    to: 'TeamDiscipline',
    order: byId,
    filters: { team: oneTeam((e, p) => `${e}.team = ${p}::bigint`) },
  },
  caseloads: {
    kind: 'page',
    to: 'PostHolding',
    order: () => byId,
    filters: {
      team: oneTeam(
        (h, p, sub) => `${onDay(h)} and ${h}.post in (select s.post ${sub(postShare, 's')} and s.team = ${p}::bigint and ${onDay('s')})`,
      ),
    },
  },
  posts: {
    kind: 'page',
    to: 'Post',
    order: () => byId,
    filters: {
      'filter.discipline': { decode: 'text', where: (row, p) => `${row}.discipline = ${p}` },
      'filter.team': oneTeam(
        (row, p, sub) => `${row}.id in (select s.post ${sub(postShare, 's')} and s.team = ${p}::bigint and ${onDay('s')})`,
      ),
    },
  },
  trainings: {
    kind: 'page',
    to: 'Training',
    order: () => byId,
    filters: {
      'filter.trainee': { decode: 'text', where: (row, p) => `${row}.trainee = ${p}` },
      'filter.programme': { decode: 'text', where: (row, p) => `${row}.programme = ${p}` },
    },
  },
  confidenceAnswers: {
    kind: 'page',
    to: 'ConfidenceAnswer',
    order: () => byId,
    filters: { needArea: { decode: 'text', where: (row, p) => `${row}.need_area = ${p}` } },
  },
};
