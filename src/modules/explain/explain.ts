/** Who sees what of a family, and why: for those who check it. */
import { suggestionList } from 'graphql/jsutils/suggestionList.js';
import { AGREEMENT_VERSION, PURPOSES, type Purpose } from '../../access/agreement.ts';
import type { Agency } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import type { KnownClient, Standing } from '../../access/gate.ts';
import { PublicError } from '../../errors.ts';
import type { Binding } from '../../read/binding.ts';
import { decodeId } from '../../read/ids.ts';
import { type Ask, type Facts, organisationsAt, type RowAsked, readAsked, readFacts, readRow } from './facts.ts';
import {
  classSteps,
  clientSteps,
  decisionSteps,
  entrySteps,
  fieldStep,
  openedBy,
  ownSteps,
  personSteps,
  rowSteps,
  type Step,
  verdictStep,
} from './steps.ts';
import { type Catalogue, explainedTypes, isThere, partsOf, requestOpens, sideOf, tablesOf, type Verdict, verdictOf } from './verdict.ts';

/** What an explanation is worked out with. */
export type Sources = {
  ask: Ask;
  /** Who a client and its user are, as a request of theirs would be told. */
  standing(client: string, user: string | null): Promise<Standing>;
  /** The clients that are in use. */
  clients(): Promise<KnownClient[]>;
  /** Makes readable what was put on the disclosure record last. */
  fresh(): Promise<void>;
};

export type Whose = { client: string; user?: string | null; purpose?: string | null; family: string; person?: string | null };

type Head = {
  client: string;
  organisation: string;
  agency: Agency;
  user: string | null;
  purpose: string;
  agreementVersion: string;
};

export type Explanation = Head & { field: string; class: string; verdict: Verdict; alike: boolean; steps: Step[] };

export type View = Head & {
  others: string[];
  there: boolean;
  steps: Step[];
  fields: { type: string; field: string; class: string; verdict: Verdict; alike: boolean }[];
};

/** Families and persons that an answer was about: for the disclosure record. */
export type Shown = { family: string; person: string | null };

const headOf = ({ id, organisation, agency, user }: Client, purpose: string): Head => ({
  client: id,
  organisation: organisation.name,
  agency,
  user,
  purpose,
  agreementVersion: AGREEMENT_VERSION,
});

/** An id's key; null where it is of another type, which is nobody's. @throws PublicError BAD_ID */
const keyOf = (type: string, id: string, argument: string): string | null => {
  try {
    const { type: given, key } = decodeId(id);
    return given === type ? key : null;
  } catch {
    throw new PublicError(
      'BAD_ID',
      `This is not an id that this API has given: ${argument}. Ids are like ${type}-1; a reference, as people write it (FSP-0000001), is none.`,
    );
  }
};

/**
 * The request that would be asked, and why it would not even be answered. Null: there is no such client, or it is another
 * organisation's, of which the asker is told nothing.
 */
async function askedBy(
  sources: Sources,
  caller: Client,
  whose: Whose,
): Promise<{ asked: Client; purpose: string; fault: string | null } | null> {
  const user = whose.user ?? null;
  const { client, login, user: known } = await sources.standing(whose.client, user);
  if (!client || !login || (caller.agency !== 'LA' && client.organisation.id !== caller.organisation.id)) return null;
  const purpose = whose.purpose ?? client.defaultPurpose;
  const faults = [
    known && known.name === null ? `${client.organisation.name} has no user ${user}: the token would be refused.` : null,
    purpose === null ? 'The client has no usual purpose: a request has to say one.' : null,
    purpose !== null && !(client.purposes as string[]).includes(purpose) ? `The client may not ask for the purpose ${purpose}.` : null,
  ];
  const asked: Client = Object.freeze({
    id: client.id,
    organisation: client.organisation,
    agency: client.agency,
    login,
    scopes: new Set(client.scopes),
    purposes: client.purposes,
    honoursRestrictions: client.honoursRestrictions,
    purpose: purpose !== null && Object.hasOwn(PURPOSES, purpose) ? (purpose as Purpose) : 'PERFORMANCE',
    user,
    userName: known?.name ?? null,
    token: '',
    planKey: '',
    requestId: caller.requestId,
    correlationId: caller.correlationId,
    address: caller.address,
  });
  return { asked, purpose: purpose ?? '', fault: faults.find((fault) => fault !== null) ?? null };
}

/** That there is no such field, and which there are that are written nearly so. */
function noField({ bindings, classes }: Catalogue, name: string): string {
  const fields = classes.all.flatMap(({ type, field }) => (bindings.has(type) ? [`${type}.${field}`] : []));
  const near = suggestionList(name, fields).slice(0, 5);
  return `"${name}" is not a field of a record, as "Type.field".${near.length > 0 ? ` There is ${near.join(', ')}.` : ''}`;
}

type Asked = { asked: Client; family: string; people: string[] };

/** Who would ask and of whom, where the asker may know; null says the same of what is hidden and of what never was. */
async function begin(sources: Sources, caller: Client, whose: Whose) {
  const family = keyOf('Family', whose.family, 'family');
  const person = whose.person == null ? null : keyOf('Person', whose.person, 'person');
  const found = await askedBy(sources, caller, whose);
  if (family === null || (whose.person != null && person === null)) return null;
  const { open, people, decisions } = await readAsked(sources.ask, caller, found?.asked ?? null, { family, person });
  return open && found ? { ...found, family, person, people, decisions } : null;
}

const factsOf = (
  sources: Sources,
  caller: Client,
  { asked, family, people }: Asked,
  tables: Parameters<typeof readFacts>[4],
  row: RowAsked | null = null,
): Promise<Facts> => readFacts(sources.ask, caller, asked, { family, people }, tables, row);

/**
 * Why a client sees a field, or does not: of a family's rows together, or of one of them.
 *
 * @throws PublicError BAD_USER_INPUT where there is no such field, BAD_ID where an id is none.
 */
export async function explainAccess(
  catalogue: Catalogue,
  sources: Sources,
  caller: Client,
  { field: name, row, ...whose }: Whose & { field: string; row?: string | null },
  shown: (of: Shown) => void,
): Promise<Explanation | null> {
  const [type = '', field = '', more] = name.split('.');
  const binding = catalogue.bindings.get(type);
  const known = more === undefined && catalogue.classes.all.some((one) => one.type === type && one.field === field);
  if (!binding || !known) throw new PublicError('BAD_USER_INPUT', noField(catalogue, name.slice(0, 80)));
  const key = row == null ? null : keyOf(type, row, 'row');
  if (row != null && (key === null || (binding.anchor === 'family' && row !== whose.family))) return null;
  const ofPerson = binding.anchor === 'person' && row != null ? row : whose.person;
  if (whose.person != null && whose.person !== ofPerson) return null;
  const begun = await begin(sources, caller, { ...whose, person: ofPerson });
  if (!begun) return null;
  const named = key === null || typeof binding.anchor === 'string' ? null : await rowAsked(sources, caller, begun, binding, field, key);
  if (named === undefined) return null;
  const person = named?.person ?? begun.person;
  shown({ ...begun, person });
  const { asked, fault, decisions } = begun;
  const dataClass = catalogue.classes.fieldClass(type, field);
  const steps = [...clientSteps(asked, fault), fieldStep(name, dataClass)];
  const head = { ...headOf(asked, begun.purpose), field: name, class: dataClass };
  if (fault) {
    const closed = { verdict: 'NOT_SHARED' as const, alike: true };
    return { ...head, ...closed, steps: [...steps, verdictStep(name, closed)] };
  }
  const access = requestOpens(catalogue, asked, type, field);
  steps.push(...classSteps(asked, dataClass, access));
  const tables = tablesOf(binding, [field]);
  const rowClass = catalogue.classes.rowClass(type, field) || tables.some((table) => table.rowMask);
  const facts = await factsOf(sources, caller, begun, tables, named);
  const found = verdictOf(catalogue, asked, facts, type, field);
  if (access.open !== false) {
    steps.push(...entrySteps(asked, facts));
    if (isThere(facts)) {
      const side = sideOf(binding, field);
      const aboutPeople = binding.anchor === 'person' || person !== null;
      if (aboutPeople) steps.push(...personSteps(asked, facts, person));
      steps.push(...rowSteps(asked, dataClass, tables, { rowClass, person }, facts));
      steps.push(...decisionSteps(asked, dataClass, facts, decisions, person));
      steps.push(...ownSteps(asked, side ? [side] : tables, found.verdict));
    }
  }
  const opener = isThere(facts) ? openedBy(asked, dataClass, tables, { person, verdict: found.verdict }, facts) : null;
  return { ...head, ...found, steps: [...steps, verdictStep(name, found, rowClass && !named, opener)] };
}

/** The one row of the family that a field is asked of; undefined where it is not there for who asks, or is about another person. */
async function rowAsked(
  sources: Sources,
  caller: Client,
  { family, people, person }: Asked & { person: string | null },
  binding: Binding,
  field: string,
  key: string,
): Promise<RowAsked | undefined> {
  const { whole, sides } = partsOf(binding, [field]);
  for (const part of whole) {
    const row = await readRow(sources.ask, caller, { family, people }, [part, ...sides], key);
    if (row && (person === null || row.person === person)) return row;
  }
  return undefined;
}

/**
 * The client that stands for an agency: of an organisation that works with the family, one that asks for the purpose. `others`: one of each
 * other organisation of the agency that works with it.
 */
async function clientOf(
  sources: Sources,
  caller: Client,
  agency: Agency,
  purpose: string | null,
  family: string,
): Promise<{ client: string | null; others: string[] }> {
  const working = await organisationsAt(sources.ask, caller, family, agency);
  const open = (await sources.clients())
    .filter((client) => client.agency === agency && (caller.agency === 'LA' || client.organisation.id === caller.organisation.id))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const fits = (client: KnownClient) =>
    (working.includes(client.organisation.id) ? 4 : 0) +
    ((client.purposes as string[]).includes(purpose ?? 'SAFEGUARDING') ? 2 : 0) +
    (client.scopes.includes('role:information-governance') ? 0 : 1);
  const bestOf = (of: KnownClient[]) =>
    of.reduce<KnownClient | null>((best, client) => (best === null || fits(client) > fits(best) ? client : best), null);
  const best = bestOf(open);
  const others = working.filter((organisation) => organisation !== best?.organisation.id);
  const ofOthers = others.flatMap((organisation) => bestOf(open.filter((client) => client.organisation.id === organisation))?.id ?? []);
  return { client: best?.id ?? null, others: ofOthers.sort() };
}

/**
 * What a client, or an agency, would see of a family: a verdict for each field.
 *
 * @throws PublicError BAD_USER_INPUT where neither or both are named, BAD_ID where an id is none.
 */
export async function agencyView(
  catalogue: Catalogue,
  sources: Sources,
  caller: Client,
  { agency, ...asks }: Omit<Whose, 'client'> & { client?: string | null; agency?: Agency | null },
  shown: (of: Shown) => void,
): Promise<View | null> {
  if ((agency == null) === (asks.client == null)) throw new PublicError('BAD_USER_INPUT', 'Name either a client or an agency.');
  const family = keyOf('Family', asks.family, 'family');
  if (family === null) return null;
  const { client, others } =
    agency == null ? { client: asks.client as string, others: [] } : await clientOf(sources, caller, agency, asks.purpose ?? null, family);
  if (client === null) return null;
  const begun = await begin(sources, caller, { ...asks, client });
  if (!begun) return null;
  shown(begun);
  const { asked, fault } = begun;
  const types = explainedTypes(catalogue);
  const fieldsOf = new Map(
    types.map(({ type }) => [
      type,
      catalogue.classes.all.filter((one) => one.type === type && one.dataClass !== 'STRUCTURE' && one.dataClass !== 'DIRECTORY'),
    ]),
  );
  const tables = types.flatMap((binding) => tablesOf(binding, fieldsOf.get(binding.type)?.map(({ field }) => field) ?? []));
  const facts = fault ? null : await factsOf(sources, caller, begun, [...new Map(tables.map((table) => [table.name, table])).values()]);
  return {
    ...headOf(asked, begun.purpose),
    others,
    there: facts !== null && isThere(facts),
    steps: [...clientSteps(asked, fault), ...(facts ? entrySteps(asked, facts) : [])],
    fields: types.flatMap(({ type }) =>
      (fieldsOf.get(type) ?? []).map(({ field, dataClass }) => ({
        type,
        field,
        class: dataClass,
        ...(facts ? verdictOf(catalogue, asked, facts, type, field) : { verdict: 'NOT_SHARED' as const, alike: true }),
      })),
    ),
  };
}
