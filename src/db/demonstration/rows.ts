/** The told stories as rows of the tables. */
import { AGREEMENT_VERSION } from '../../access/agreement.ts';
import { maskOf } from '../../access/classes.ts';
import { relationshipOfRole } from '../../modules/family/rules.ts';
import {
  type FamilyRows,
  involvementMask,
  NHS_RESERVED,
  nhsNumber,
  noRows,
  programmeLink,
  rowId,
  serviceLink,
  upn,
  uprn,
} from '../generate.ts';
import { organisationId, practitioner, TEAMS, USERS } from '../personas.ts';
import { ASHDOWN } from './ashdown.ts';
import { DUNMORE } from './dunmore.ts';
import { HARTWELL } from './hartwell.ts';
import type { InterventionPart, Story } from './story.ts';

/** People of the second story who have no part in the others and bear the name that the list of users gives them. */
const OF_TEAM_02: Record<string, () => string> = {
  SOCIAL_WORKER: () => subjectOf('team-02', 'social-worker'),
  TEAM_MANAGER: () => subjectOf('team-02', 'team-manager'),
  SCHOOL: () => subjectAt('school-marigold-lock'),
};

function subjectOf(team: string, discipline: string): string {
  const found = TEAMS[team]?.find((member) => member.discipline === discipline);
  if (!found) throw new Error(`There is no ${discipline} in ${team}.`);
  return found.subject;
}

function subjectAt(organisation: string): string {
  const found = USERS.find((user) => user.organisation === organisation);
  if (!found) throw new Error(`Nobody works at ${organisation}.`);
  return found.subject;
}

/** The three told families. */
export const STORIES: Story[] = [HARTWELL, ASHDOWN, DUNMORE];

/** A user of an organisation by the subject, or by the part in the story. */
function someone(organisation: string, worker: string): { subject: string; name: string } {
  const subject = OF_TEAM_02[worker]?.() ?? worker;
  const user = USERS.find((candidate) => candidate.organisation === organisation && candidate.subject === subject);
  return user ?? practitioner(organisation, subject);
}

function peopleOf(story: Story): Map<string, number> {
  const names = [...Object.keys(story.people), ...(story.unborn ? [story.unborn.name] : [])];
  return new Map(names.map((name, index) => [name, rowId(story.id, index)]));
}

/** NHS numbers of the stories' people lie apart from the generated ones; a number that cannot be is passed over. */
function storyNhsNumber(personId: number): string {
  for (let digits = NHS_RESERVED + (personId % 1000) * 4; ; digits++) {
    const number = nhsNumber(digits);
    if (number) return number;
  }
}

type Builder = { story: Story; rows: FamilyRows; county: number; id: (who: string) => number };

function buildPeople({ story, rows, county, id }: Builder): void {
  const controller = county;
  for (const [index, [name, part]] of Object.entries(story.people).entries()) {
    const person = id(name);
    rows.person.push({ id: person, controller });
    rows.personIdentity.push({
      person,
      controller,
      givenName: part.given,
      familyName: part.surname,
      dateOfBirth: part.born,
      sex: part.sex,
    });
    rows.personNhsNumber.push({ person, controller, nhsNumber: storyNhsNumber(person) });
    if (part.pupil) rows.personUpn.push({ person, controller, upn: upn(person) });
    if (part.ethnicity) rows.personEquality.push({ person, controller, ethnicity: part.ethnicity });
    rows.membership.push({
      id: rowId(story.id, index),
      family: story.id,
      person,
      controller,
      role: part.role,
      from: story.since,
      until: null,
    });
  }
  if (story.unborn) buildUnborn({ story, rows, county, id }, story.unborn);
  buildRelationships({ story, rows, county, id });
}

/** Relatives who are turned to when children cannot stay at home. */
const PROTECTIVE = ['grandmother', 'grandfather', 'aunt', 'uncle'];

/** What each adult is to each child, the unborn one among them: parents have parental responsibility, relatives protect. */
function buildRelationships({ story, rows, county: controller, id }: Builder): void {
  const people = Object.entries(story.people);
  const children = people.filter(([, { role }]) => role === 'child').map(([name]) => name);
  const adults = people.filter(([, { role }]) => role !== 'child');
  let next = 0;
  for (const [name, { role }] of adults) {
    const parent = role === 'mother' || role === 'father';
    const awaited = story.unborn && role === 'mother' ? [story.unborn.name] : [];
    for (const other of [...children, ...awaited]) {
      rows.relationship.push({
        id: rowId(story.id, next++),
        family: story.id,
        person: id(name),
        other: id(other),
        controller,
        kind: relationshipOfRole(role),
        parentalResponsibility: parent && other !== story.unborn?.name,
        protective: PROTECTIVE.includes(role),
        from: story.since,
      });
    }
  }
}

function buildUnborn({ story, rows, id }: Builder, unborn: NonNullable<Story['unborn']>): void {
  const person = id(unborn.name);
  const controller = organisationId(unborn.controller);
  rows.person.push({ id: person, controller });
  rows.personIdentity.push({ person, controller, givenName: null, familyName: null, dateOfBirth: null, sex: 'U' });
  rows.personExpected.push({ person, controller, expectedDate: unborn.expected });
  rows.unbornMembership.push({
    id: rowId(story.id, 0),
    family: story.id,
    person,
    controller,
    role: 'unborn-child',
    from: unborn.since,
    until: null,
  });
}

function buildHouseholds({ story, rows, county: controller, id }: Builder): void {
  let members = 0;
  for (const [index, { members: people, ...part }] of story.households.entries()) {
    const household = rowId(story.id, index);
    rows.household.push({ id: household, family: story.id, controller, ...part, uprn: uprn(household), until: null });
    for (const { who, from, until } of people) {
      rows.householdMember.push({
        id: rowId(story.id, members++),
        household,
        family: story.id,
        person: id(who),
        controller,
        from,
        until: until ?? null,
      });
    }
  }
}

function buildInvolvements({ story, rows, county: controller, id }: Builder): void {
  for (const [index, part] of story.involvements.entries()) {
    const worker = part.worker ? someone(part.by, part.worker) : null;
    rows.involvement.push({
      id: rowId(story.id, index),
      family: story.id,
      person: part.with ? id(part.with) : null,
      controller,
      worker: worker?.subject ?? null,
      rowMask: involvementMask(part.by),
      organisation: organisationId(part.by),
      role: part.role,
      practitioner: worker?.name ?? null,
      lead: part.lead ?? false,
      agreed: part.agreed ?? false,
      from: new Date(part.from),
      until: part.until ? new Date(part.until) : null,
    });
  }
}

function buildPlans({ story, rows, county: controller, id }: Builder): void {
  let reviews = 0;
  for (const [index, part] of story.plans.entries()) {
    const plan = rowId(story.id, index);
    const row = { family: story.id, person: id(part.of), controller };
    const status = part.ended ? 'ENDED' : 'OPEN';
    rows.plan.push({
      id: plan,
      ...row,
      kind: part.kind,
      status,
      started: part.started,
      ended: part.ended ?? null,
      nextReviewDue: part.nextReviewDue ?? null,
    });
    if (part.category) rows.planCategory.push({ plan, ...row, category: part.category });
    for (const { due, held, outcome } of part.reviews ?? []) {
      rows.planReview.push({ id: rowId(story.id, reviews++), plan, ...row, due, held: held ?? null, outcome: outcome ?? null });
    }
  }
}

/** The organisation where an intervention's worker works: the team if it is assigned, else who provides it. */
const workplace = ({ provider, assigned }: InterventionPart) => assigned ?? provider;

function buildInterventions({ story, rows, county: controller, id }: Builder): void {
  for (const [index, part] of story.interventions.entries()) {
    const intervention = rowId(story.id, index);
    const { subject } = someone(workplace(part), part.worker);
    const row = { family: story.id, person: id(part.of), controller, worker: subject };
    rows.intervention.push({ id: intervention, ...row });
    rows.interventionLink.push({
      intervention,
      ...row,
      ...programmeLink(part.programme),
      provider: organisationId(part.provider),
      assigned: part.assigned ? organisationId(part.assigned) : null,
    });
    rows.interventionProgress.push({
      intervention,
      ...row,
      status: part.status,
      requested: part.requested,
      started: part.started ?? null,
      ended: part.ended ?? null,
      sessions: part.sessions ?? 0,
      outcome: part.outcome ?? null,
    });
  }
}

function buildWorkbook({ story, rows, id }: Builder): void {
  const next = { persons: 0, readings: 0, child: 0, parent: 0 };
  const numbered = (of: keyof typeof next) => rowId(story.id, next[of]++);
  for (const [index, part] of story.workbook.entries()) {
    const entry = rowId(story.id, index);
    const author = someone(part.by.organisation, part.by.worker);
    const keptFrom = (part.keptFrom ?? []).map(id);
    const row = { family: story.id, controller: organisationId(part.by.organisation), worker: author.subject, keptFrom };
    const of = { entry, ...row };
    rows.workbookEntry.push({
      id: entry,
      ...row,
      module: part.module,
      discipline: part.discipline,
      sessionType: part.session,
      occurredAt: new Date(part.at),
      author: author.name,
      narrative: part.narrative ?? null,
    });
    for (const who of part.about) rows.workbookEntryPerson.push({ id: numbered('persons'), ...of, person: id(who) });
    for (const [who, behaviour, stageOfChange, capacityForChange] of part.readings ?? []) {
      rows.workbookReading.push({
        id: numbered('readings'),
        ...of,
        person: id(who),
        behaviour,
        stageOfChange,
        capacityForChange,
        observedOn: part.at.slice(0, 10),
      });
    }
    for (const [who, words] of part.childWords ?? [])
      rows.workbookChildWords.push({ id: numbered('child'), ...of, person: id(who), words });
    for (const [who, words] of part.parentWords ?? [])
      rows.workbookParentWords.push({ id: numbered('parent'), ...of, person: id(who), words });
  }
}

function buildOffers({ story, rows, id }: Builder): void {
  for (const [index, part] of story.offers.entries()) {
    const offer = rowId(story.id, index);
    const { subject } = someone(part.by.organisation, part.by.worker);
    const row = { family: story.id, person: id(part.to), controller: organisationId(part.by.organisation), worker: subject };
    rows.serviceOffer.push({
      id: offer,
      ...row,
      offeredOn: part.on,
      status: part.status,
      takenUpOn: part.takenUp ?? null,
      outcome: part.outcome ?? null,
    });
    rows.serviceOfferLink.push({ offer, ...row, ...serviceLink(part.service, row.controller) });
  }
}

function buildDecisions({ story, rows, id }: Builder): void {
  for (const [index, part] of story.decisions.entries()) {
    rows.sharingDecision.push({
      id: rowId(story.id, index),
      family: story.id,
      person: part.about ? id(part.about) : null,
      dataClasses: [part.dataClass],
      mask: maskOf([part.dataClass]),
      effect: part.effect,
      organisation: part.organisation ? organisationId(part.organisation) : null,
      agency: part.agency ?? null,
      gateway: part.gateway,
      reason: part.reason,
      decidedBy: someone(part.by.organisation, part.by.worker).subject,
      controller: organisationId(part.by.organisation),
      from: new Date(part.from),
      until: null,
      withdrawnAt: null,
      agreementVersion: AGREEMENT_VERSION,
    });
  }
}

/** A story as rows of the tables. */
export function storyRows(story: Story): FamilyRows {
  const people = peopleOf(story);
  const id = (who: string) => {
    const found = people.get(who);
    if (found === undefined) throw new Error(`There is no ${who} in family ${story.id}.`);
    return found;
  };
  const builder: Builder = { story, rows: noRows(), county: organisationId('occ'), id };
  const { rows, county: controller } = builder;
  rows.family.push({ id: story.id, controller, restricted: false });
  rows.familyName.push({ family: story.id, controller, reference: `FSP-${String(story.id).padStart(7, '0')}`, name: story.name });
  rows.familyStage.push({ family: story.id, controller, stage: story.stage, marac: false, since: new Date(story.stageSince) });
  for (const build of [
    buildPeople,
    buildHouseholds,
    buildInvolvements,
    buildPlans,
    buildInterventions,
    buildWorkbook,
    buildOffers,
    buildDecisions,
  ]) {
    build(builder);
  }
  return rows;
}

/** The id of a person of a told family, by the short name in the story. */
export function storyPerson(familyId: number, who: string): number {
  const story = STORIES.find(({ id }) => id === familyId);
  const found = story && peopleOf(story).get(who);
  if (found === undefined) throw new Error(`There is no ${who} in family ${familyId}.`);
  return found;
}
