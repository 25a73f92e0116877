/** The reasons for what a client sees, in words: from the agreement to the decision. They tell what the rules said and decide nothing. */
import { AGREEMENT, DECIDES, levelOf, PURPOSES, type PurposeRule, ROLE_CLOSES, ROLES_FOR } from '../../access/agreement.ts';
import { type DataClass, isPersonal, maskOf, type PersonalClass } from '../../access/classes.ts';
import { type Client, hasRole } from '../../access/client.ts';
import { type Access, mayRead, narrowedToUser } from '../../access/decide.ts';
import { AGENCY_NAME } from '../../access/describe.ts';
import { bitOf } from '../../access/masks.ts';
import type { TableClass } from '../../db/classified.ts';
import type { Decision, Facts, Member, Period, Work } from './facts.ts';
import { closedClasses, type FieldVerdict, isThere, type Verdict } from './verdict.ts';

export type Step = {
  rule:
    | 'CLIENT'
    | 'FIELD_CLASS'
    | 'AGREEMENT'
    | 'ROLE'
    | 'PURPOSE'
    | 'INVOLVEMENT'
    | 'USER'
    | 'STAGE'
    | 'PERSON'
    | 'ROW_CLASS'
    | 'DECISION'
    | 'KEPT_FROM'
    | 'OWN_ROWS'
    | 'VERDICT';
  verdict: 'OPENS' | 'CLOSES' | 'NEUTRAL';
  words: string;
  from: string | null;
  until: string | null;
};

const utc = (moment: string | null): string | null => (moment === null ? null : new Date(moment).toISOString());

const step = (rule: Step['rule'], verdict: Step['verdict'], words: string, period: Period = { from: null, until: null }): Step => ({
  rule,
  verdict,
  words,
  from: utc(period.from),
  until: utc(period.until),
});

const what = (dataClass: DataClass): string =>
  dataClass === 'STRUCTURE' ? 'keys and connections, as visible as the object they stand on' : AGREEMENT[dataClass].what;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Who asks. `fault`: why such a request would not even be answered. */
export function clientSteps(client: Client, fault: string | null): Step[] {
  const whom = client.user === null ? 'without a user' : `with the user ${client.user}`;
  return [
    step('CLIENT', 'NEUTRAL', `${client.id} is a client of ${client.organisation.name} (${AGENCY_NAME[client.agency]}), ${whom}.`),
    ...(fault ? [step('CLIENT', 'CLOSES', fault)] : []),
  ];
}

/** What the agreement, the roles and the purpose say of a class; the last one closes where `access` does. */
export function classSteps(client: Client, dataClass: DataClass, access: Access): Step[] {
  const level = levelOf(dataClass, client.agency);
  const agency = AGENCY_NAME[client.agency];
  const closed = access.open === false ? access.reason : null;
  const levels: Record<typeof level, [Step['verdict'], string]> = {
    A: ['OPENS', `gives ${dataClass} to ${agency} always, in families that they work with`],
    D: ['NEUTRAL', `gives ${dataClass} to ${agency} only where a decision for the family or person says so`],
    O: ['NEUTRAL', `gives ${agency} their own rows of ${dataClass}, and no others`],
    'O/D': ['NEUTRAL', `gives ${agency} their own rows of ${dataClass}, and others' by a decision`],
    R: ['NEUTRAL', `gives ${dataClass} to ${agency} by role: ${(ROLES_FOR[dataClass] ?? []).join(', ')}`],
    N: ['CLOSES', `never gives ${dataClass} to ${agency} through this platform; no decision opens it`],
  };
  const [verdict, words] = levels[level];
  const steps = [step('AGREEMENT', closed === 'NOT_SHARED_WITH_AGENCY' ? 'CLOSES' : verdict, `The agreement ${words}.`)];
  if (closed === 'NOT_SHARED_WITH_AGENCY') {
    if (level !== 'N')
      steps.push(step('AGREEMENT', 'CLOSES', `Nothing else of the object is shared with ${agency}, so it is not in their schema.`));
    return steps;
  }
  if (dataClass === 'STRUCTURE' || dataClass === 'DIRECTORY') return steps;
  const closing = Object.entries(ROLE_CLOSES).find(([role, closes]) => hasRole(client, role) && closes(dataClass))?.[0];
  const needed = (PURPOSES[client.purpose] as PurposeRule).role;
  if (closed === 'NOT_FOR_THIS_ROLE') {
    const why = closing
      ? `The role ${closing} is not given ${dataClass}.`
      : level === 'R' && !(ROLES_FOR[dataClass] ?? []).some((role) => hasRole(client, role))
        ? `The client has none of the roles that open ${dataClass}.`
        : !client.scopes.has('family:read')
          ? 'The client has not the scope family:read.'
          : `The purpose ${client.purpose} is for the role ${needed} alone.`;
    return [...steps, step('ROLE', 'CLOSES', why)];
  }
  const roles = [...client.scopes].filter((scope) => scope.startsWith('role:')).map((scope) => scope.slice(5));
  steps.push(step('ROLE', 'OPENS', `The client may read${roles.length > 0 ? `, as ${roles.join(', ')}` : ''}.`));
  if (!isPersonal(dataClass)) return steps;
  const purpose = `The purpose ${client.purpose}, ${PURPOSES[client.purpose].what},`;
  if (closed) return [...steps, step('PURPOSE', 'CLOSES', `${purpose} does not open ${dataClass}.`)];
  steps.push(
    access.open === 'own-by-purpose'
      ? step('PURPOSE', 'CLOSES', `${purpose} opens own rows of ${dataClass}, and no others.`)
      : step('PURPOSE', 'OPENS', `${purpose} opens ${dataClass}, as far as the agreement goes.`),
  );
  const { singleRecord, agreedOnly } = PURPOSES[client.purpose] as PurposeRule;
  if (singleRecord) steps.push(step('PURPOSE', 'NEUTRAL', 'For this purpose one person is asked for at a time, by the id.'));
  if (agreedOnly)
    steps.push(step('PURPOSE', 'NEUTRAL', 'For this purpose only what is about persons who agreed to this organisation is there.'));
  return steps;
}

/** From when until when there is work of today. Not the grant's period: that is cut anew by every decision and change of stage. */
function periodOf(work: Work[]): Period {
  const today = work.filter(({ now }) => now);
  const of = (ends: (string | null)[], by: (a: string, b: string) => string): string | null =>
    ends.length === 0 || ends.includes(null) ? null : (ends as string[]).reduce(by);
  const from = of(
    today.map((one) => one.from),
    (a, b) => (Date.parse(a) <= Date.parse(b) ? a : b),
  );
  const until = of(
    today.map((one) => one.until),
    (a, b) => (Date.parse(a) >= Date.parse(b) ? a : b),
  );
  return { from, until };
}

/** Whether the family is there: involvement, user and stage. */
export function entrySteps(client: Client, facts: Facts): Step[] {
  const { grant } = facts;
  const [granted, ...rules] = facts.entry;
  const steps: Step[] = facts.work.map((work) =>
    step(
      'INVOLVEMENT',
      'NEUTRAL',
      `Work with ${work.person === null ? 'the family' : `Person-${work.person}`}${work.role ? ` as ${work.role}` : ''}${work.now ? '' : ', not of today'}${work.agreed ? '; agreed to' : ''}.`,
      work,
    ),
  );
  if (grant && granted?.open)
    steps.push(
      step(
        'INVOLVEMENT',
        'OPENS',
        client.agency === 'LA' && facts.work.length === 0
          ? 'The family is the county’s own.'
          : `${client.organisation.name} works with ${grant.onlyWith ? 'named persons of the family' : 'the family'} today.`,
        periodOf(facts.work),
      ),
    );
  else
    steps.push(
      step('INVOLVEMENT', 'CLOSES', `${client.organisation.name} does not work with the family today: to them it does not exist.`),
    );
  const words: Record<string, [open: string, closed: string]> = {
    USER: [
      'The rules about the user leave the family open.',
      client.user === null
        ? 'Without a user the client is shown no family: its users have to be named in the team.'
        : 'The user is shut out of this family: not named in the team, or a rule about this user closes it.',
    ],
    STAGE: [
      `The family stands where the purpose ${client.purpose} applies.`,
      `The family does not stand at a stage at which the purpose ${client.purpose} applies.`,
    ],
  };
  if (grant && granted?.open)
    for (const { rule, open } of rules) steps.push(step(rule, open ? 'OPENS' : 'CLOSES', words[rule]?.[open ? 0 : 1] as string));
  if (!isThere(facts) && client.agency !== 'LA')
    steps.push(step('OWN_ROWS', 'NEUTRAL', 'Rows of their own are still theirs to read by their ids, with no family named.'));
  return steps;
}

/** Whether the person is there. */
export function personSteps(client: Client, facts: Facts, person: string | null): Step[] {
  const { agreedOnly } = PURPOSES[client.purpose] as PurposeRule;
  const named = facts.members.filter((member) => person === null || member.person === person);
  if (named.length === 0) return [step('PERSON', 'CLOSES', 'No member of the family is there for this organisation, or not this one.')];
  const fault = (member: Member): string | null =>
    member.there
      ? null
      : !member.granted
        ? 'not among those with whom this organisation works'
        : agreedOnly && !member.agreed
          ? 'not agreed to this organisation’s work'
          : member.unborn
            ? 'not born, which needs the class CLINICAL as well'
            : 'not there for this request';
  return [...Map.groupBy(named, fault)].map(([why, members]) => {
    const who = members.map((member) => `Person-${member.person}`).join(', ');
    return why === null ? step('PERSON', 'OPENS', `There: ${who}.`) : step('PERSON', 'CLOSES', `${capital(why)}: ${who}.`);
  });
}

/** What decisions add and take away, by the grants' masks; and the decisions themselves, as far as the asker may read them. */
export function decisionSteps(client: Client, dataClass: DataClass, facts: Facts, decisions: Decision[], person: string | null): Step[] {
  if (!isPersonal(dataClass)) return [];
  const bit = bitOf(dataClass);
  const level = levelOf(dataClass, client.agency);
  const grants = [...(facts.grant ? [facts.grant] : []), ...facts.members.filter((one) => person === null || one.person === person)];
  const withheld = grants.some((grant) => (grant.withheld & bit) !== 0n);
  const shared = grants.some((grant) => (grant.shared & bit) !== 0n);
  const steps = decisions
    .filter((decision) => decision.class === dataClass)
    .map((decision) =>
      step(
        'DECISION',
        'NEUTRAL',
        `${decision.effect === 'SHARE' ? 'Decided to share' : 'Decided to withhold'} ${decision.person === null ? 'for the family' : `for Person-${decision.person}`}, by ${decision.by}, under ${decision.gateway}.`,
        decision,
      ),
    );
  if (withheld)
    steps.push(
      step(
        'DECISION',
        'CLOSES',
        `${dataClass} is withheld ${person === null ? 'here or for a member' : 'here'}: by a decision, or because somebody is protected. That wins over everything.`,
      ),
    );
  if (shared)
    steps.push(
      level === 'D' || level === 'O/D'
        ? step('DECISION', withheld ? 'NEUTRAL' : 'OPENS', `A decision shares ${dataClass}.`)
        : step('DECISION', 'NEUTRAL', `A decision shares ${dataClass}; at this level of the agreement it changes nothing.`),
    );
  if (!shared && !withheld)
    steps.push(
      level === 'D' || level === 'O/D'
        ? step('DECISION', 'CLOSES', `No decision shares ${dataClass}${level === 'O/D' ? ' beyond own rows' : ''}.`)
        : step('DECISION', 'NEUTRAL', 'No decision says otherwise.'),
    );
  return steps;
}

/** What else the rows ask: the object's class, a class of their own, whom they are kept from. */
export function rowSteps(
  client: Client,
  dataClass: DataClass,
  tables: TableClass[],
  { rowClass, person }: { rowClass: boolean; person: string | null },
  facts: Facts,
): Step[] {
  const steps: Step[] = [];
  for (const other of new Set(tables.map((table) => table.dataClass).filter((one) => one !== dataClass && isPersonal(one)))) {
    const open = mayRead(client, other).open !== false;
    steps.push(
      step(
        'ROW_CLASS',
        open ? 'OPENS' : 'CLOSES',
        `It stands on a row of the class ${other}: ${what(other)}.${open ? '' : ' That is closed.'}`,
      ),
    );
  }
  if (rowClass) steps.push(rowClassStep(client, tables, person, facts));
  if (tables.some((table) => table.other)) steps.push(step('PERSON', 'NEUTRAL', 'It is about two persons: both have to be there.'));
  if (tables.some((table) => table.keptFrom)) {
    const only = facts.focused || facts.grant?.onlyWith === true;
    const kept = facts.row && tables.some(({ name }) => (facts.row?.of.get(name)?.keptFrom ?? []).length > 0);
    if (kept !== false)
      steps.push(
        only
          ? step('KEPT_FROM', 'CLOSES', 'They work with named persons only: rows that are kept from all of these are not there.')
          : step('KEPT_FROM', 'NEUTRAL', 'Rows may be kept from named persons; then they are not there for who works with these alone.'),
      );
  }
  return steps;
}

/** Whether the class of its own that a row may have is open, too. Which it is, is not said: it tells what the row does. */
function rowClassStep(client: Client, tables: TableClass[], person: string | null, facts: Facts): Step {
  const { closed, ownOnly } = closedClasses(client, facts, person);
  if (!facts.row) {
    const list = [
      closed.length > 0 && `Closed to them: ${closed.join(', ')}.`,
      ownOnly.length > 0 && `Own rows alone: ${ownOnly.join(', ')}.`,
    ].filter((words) => words !== false);
    return step(
      'ROW_CLASS',
      'NEUTRAL',
      ['A row may have a class of its own (its programme’s, its service’s), which is needed too.', ...list].join(' '),
    );
  }
  const rules = tables.flatMap(({ name }) => facts.row?.of.get(name) ?? (facts.row?.of.has(name) ? [null] : []));
  const needs = (of: PersonalClass[]) => rules.some((own) => own !== null && (own.mask & maskOf(of)) !== 0n);
  if (rules.includes(null) || needs(closed))
    return step('ROW_CLASS', 'CLOSES', 'This row has a class of its own, which is closed to them.');
  if (needs(ownOnly)) return step('ROW_CLASS', 'CLOSES', 'This row has a class of its own, of which they see their own rows alone.');
  return step('ROW_CLASS', 'OPENS', 'This row asks for no class that is closed to them.');
}

export function ownSteps(client: Client, tables: TableClass[], verdict: Verdict): Step[] {
  const own = tables.filter((table) => table.own);
  if (verdict === 'SEEN' || verdict === 'NOT_SHARED' || own.length === 0) return [];
  const whose = narrowedToUser(client) ? 'the user’s own, or given to them' : 'written by the organisation, sent to it or assigned to it';
  return [step('OWN_ROWS', verdict === 'OWN_ROWS_ONLY' ? 'OPENS' : 'NEUTRAL', `Own rows are ${whose}.`)];
}

const VERDICT: Record<Verdict, [Step['verdict'], string]> = {
  SEEN: ['OPENS', 'it is seen'],
  OWN_ROWS_ONLY: ['CLOSES', 'own rows are seen, others’ are not'],
  WITHHELD: ['CLOSES', 'it is withheld'],
  NOT_SHARED: ['CLOSES', 'it is not shared'],
};

/**
 * What would open what is withheld: a decision, and whose. Null where no decision would alone: the agreement knows none for this agency, the
 * purpose opens no more, one withholds it, or another class is closed as well.
 */
export function openedBy(
  client: Client,
  dataClass: DataClass,
  tables: TableClass[],
  { person, verdict }: { person: string | null; verdict: Verdict },
  facts: Facts,
): string | null {
  if ((verdict !== 'WITHHELD' && verdict !== 'OWN_ROWS_ONLY') || !isPersonal(dataClass)) return null;
  const { closed, ownOnly } = closedClasses(client, facts, person);
  const shut = [...closed, ...ownOnly];
  const asks = new Set([dataClass, ...tables.map((table) => table.dataClass)].filter(isPersonal) as PersonalClass[]);
  for (const own of facts.row?.of.values() ?? [null])
    if (facts.row && (own === null || (own.mask & maskOf(shut.filter((one) => !asks.has(one)))) !== 0n)) return null;
  const missing = [...asks].filter((one) => shut.includes(one));
  const [only] = missing;
  if (only === undefined || missing.length > 1 || mayRead(client, only).open !== 'all') return null;
  const level = levelOf(only, client.agency);
  const bit = bitOf(only);
  const grants = [...(facts.grant ? [facts.grant] : []), ...facts.members.filter((one) => person === null || one.person === person)];
  if ((level !== 'D' && level !== 'O/D') || grants.some(({ withheld }) => (withheld & bit) !== 0n)) return null;
  const deciders = DECIDES[only].map((agency) => AGENCY_NAME[agency]).join(' or ');
  return `A decision to share ${only}, made by ${deciders}${DECIDES[only].includes('LA') ? '' : ' of their own rows'}, would open it.`;
}

/** @param rowClass whether rows, of which none is named, may have a class of their own that the verdict knows nothing of. */
export function verdictStep(name: string, { verdict, alike }: FieldVerdict, rowClass = false, opener: string | null = null): Step {
  const [opens, flat] = VERDICT[verdict];
  const words =
    rowClass && (verdict === 'SEEN' || verdict === 'OWN_ROWS_ONLY') ? `${flat}, where the row’s own class is open to them, too` : flat;
  const told = capital(`${name}: ${words}${alike ? '' : ' for some members of the family, and less for others'}.`);
  return step('VERDICT', opens, opener === null ? told : `${told} ${opener}`);
}

export const fieldStep = (name: string, dataClass: DataClass): Step =>
  step('FIELD_CLASS', 'NEUTRAL', `${name} is of the class ${dataClass}: ${what(dataClass)}.`);
