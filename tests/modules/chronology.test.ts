/** Every dated noun of the record takes part in the chronology, or stands below with the reason why it does not. */
import { type GraphQLObjectType, type GraphQLUnionType, getNamedType, isObjectType } from 'graphql';
import { expect, it } from 'vitest';
import { isPersonal } from '../../src/access/classes.ts';
import { classOf } from '../../src/db/classified.ts';
import { enumName } from '../../src/graphql/classes.ts';
import { BINDINGS } from '../../src/modules/index.ts';
import { tableOf } from '../../src/read/binding.ts';
import { productSchema } from '../../src/server.ts';

const { schema } = productSchema();
const members = (schema.getType('ChronologyEvent') as GraphQLUnionType).getTypes().map(({ name }) => name);

const part = (of: string) => `Part of ${of}, which takes part.`;
const STANDING =
  'Who belongs together, where they live and who works with them: it lasts, and is shown by its period on the family itself.';

const LEDGER = 'What decides who sees the family: it stands on the family itself, for those who answer for it.';

const WITHOUT: Record<string, string> = {
  Clock: 'What is due, and not what happened: `dueItems`.',
  Task: 'What is due, and not what happened: `dueItems`.',
  FamilyMember: STANDING,
  Household: STANDING,
  HouseholdMember: STANDING,
  ContactChild: part('a contact'),
  Relationship: STANDING,
  Involvement: STANDING,
  WorkbookReading: part('a Workbook entry'),
  WorkbookAmendment: part('a Workbook entry'),
  PlanReview: part('a plan'),
  FamilyPlanReview: part('the family’s plan'),
  FamilyGoal: part('the family’s plan'),
  FamilyAction: part('the family’s plan'),
  PreparatoryAssessment: part('pre-proceedings'),
  ReturnStage: part('a return home'),
  MeetingAction: part('a meeting'),
  MeetingCirculation: part('a meeting'),
  SupervisionAction: part('a group supervision'),
  ChildVoiceAnswer: part('what a child said'),
  AdultVoiceAnswer: part('what an adult said'),
  InterventionSession: part('an intervention'),
  InterventionOutcome: part('an intervention'),
  OnwardActivity: part('an intervention'),
  CallOutHistory: 'A count of incidents, which take part one by one.',
  Dispute: part('the fact that it stands beside'),
  Disagreement: part('a decision'),
  CaseAudit: 'It judges how the county worked, and is no event of the family’s.',
  SubjectAccessNotice: 'To whom a request was passed on: it stands with the request.',
  SharingDecision: LEDGER,
  DisclosureElsewhere: LEDGER,
  WhereaboutsProtection: LEDGER,
  FamilyRestriction: LEDGER,
  ConflictOfInterest: LEDGER,
  EmergencyAccess: LEDGER,
  AccessNotice: 'Who looked, and not what happened: it stands beside the disclosures.',
  RecordId: 'Under which of its ids a record system knows them.',
  Observation: 'A count of a month, a quarter or a year, and no event.',
  Voucher: part('an offer'),
  LookUpReceipt: 'Who looked, and not what happened: it stands beside the disclosures.',
};

/** Types whose rows name a family and that show a day or a moment. */
const dated = [...BINDINGS.values()]
  .filter(({ type, anchor }) => {
    const tables = typeof anchor === 'string' ? [] : [anchor].flat().map(classOf);
    const fields = Object.values((schema.getType(type) as GraphQLObjectType).getFields());
    return (
      tables.some(({ family, dataClass }) => family !== undefined && isPersonal(dataClass)) &&
      fields.some((field) => ['Date', 'DateTime'].includes(getNamedType(field.type).name))
    );
  })
  .map(({ type }) => type);

it('every dated noun of a family is an event, or has a reason not to be', () => {
  expect(dated.filter((type) => !members.includes(type)).sort()).toEqual(Object.keys(WITHOUT).sort());
  expect(dated.length).toBeGreaterThan(50);
});

it('what has a reason not to be an event is none', () => {
  expect(Object.keys(WITHOUT).filter((type) => members.includes(type))).toEqual([]);
});

it('a part belongs to an event, or to a part of one', () => {
  const parts = Object.entries(WITHOUT).filter(([, why]) => why.startsWith('Part of'));
  const holds = (type: string, what: string) =>
    Object.values((schema.getType(type) as GraphQLObjectType).getFields()).some((field) => {
      const to = getNamedType(field.type);
      const nodes = isObjectType(to) && to.name.endsWith('Connection') ? getNamedType(to.getFields().nodes?.type) : to;
      return nodes?.name === what;
    });
  for (const [type] of parts) {
    const above = [...members, ...parts.map(([name]) => name)].filter((each) => holds(each, type));
    expect(above, type).not.toEqual([]);
  }
});

it.each(members)('%s has a day of its own, in a table of its own, and a name to be chosen by', (type) => {
  const binding = BINDINGS.get(type);
  const { at } = binding?.event ?? {};
  if (!at) throw new Error(`${type} has no event.`);
  expect(at.getSQLType()).toMatch(/^(date|timestamp)/);
  expect([binding?.anchor, ...(binding?.sides ?? []).map(([table]) => table)].flat()).toContain(tableOf(at));
  const types = schema.getType('ChronologyType') as unknown as { getValue(name: string): unknown };
  expect(types.getValue(enumName(type))).toBeDefined();
});
