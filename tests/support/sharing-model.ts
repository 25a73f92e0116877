/**
 * Who sees what of whom, said again in plain code: from the agreement's table and what stands written about sharing, about
 * involvements and closures, and about purposes (docs/sharing.md). Nothing here is taken from the policies, the grants or the compiler
 * that it is compared with. Times are hours on a clock of the history's own; `clock` is now.
 */
import {
  AGREEMENT,
  AT_RISK,
  BUNDLES,
  LEAK_GROUP,
  type Level,
  PURPOSES,
  type Purpose,
  type PurposeRule,
  ROLES_FOR,
  type Stage,
} from '../../src/access/agreement.ts';
import { type Agency, type DataClass, isPersonal, type PersonalClass } from '../../src/access/classes.ts';

export type Organisation = { id: number; code: string; agency: Agency };

/** A time that has begun and not ended. Null: without an end. */
type Lasting = { from: number; until: number | null };

export type Decision = Lasting & {
  family: number;
  person: number | null;
  classes: PersonalClass[];
  bundle: string | null;
  effect: 'SHARE' | 'WITHHOLD';
  /** One organisation, or every one of an agency. */
  organisation: number | null;
  agency: Agency | null;
};
export type Involvement = Lasting & {
  family: number;
  person: number | null;
  organisation: number;
  worker: string | null;
  agreed: boolean;
};
export type Protection = Lasting & { person: number };
export type Restriction = { family: number; organisation: number | null; lifted: boolean };
export type Conflict = Lasting & { family: number; subject: string };
export type Emergency = Lasting & { family: number; organisation: number; subject: string; classes: PersonalClass[] };

export type State = {
  clock: number;
  organisations: Organisation[];
  families: Map<number, { controller: number; stage: Stage; marac: boolean }>;
  /** Who belongs to a family, or did. */
  members: { family: number; person: number }[];
  decisions: Decision[];
  involvements: Involvement[];
  protections: Protection[];
  restrictions: Restriction[];
  conflicts: Conflict[];
  emergencies: Emergency[];
};

export type LoginKind = 'daily' | 'sealed' | 'emergency';

/** A row of a table of one class. Without a family: a person's own table. */
export type Fact = {
  table: string;
  id: number;
  dataClass: PersonalClass;
  family: number | null;
  person: number | null;
  controller: number;
  worker: string | null;
};

export type Caller = { organisation: Organisation; user: string; purpose: Purpose; scopes: string[]; sealed: boolean };

const levelOf = (dataClass: PersonalClass, agency: Agency): Level => AGREEMENT[dataClass].levels[agency];

/** What a moment's state lets be seen. */
export function model(state: State) {
  const now = ({ from, until }: Lasting) => from <= state.clock && (until === null || until > state.clock);
  const involvements = state.involvements.filter(now);
  const decisions = state.decisions.filter(now);
  const emergencies = state.emergencies.filter(now);
  const conflicts = state.conflicts.filter(now);
  const protectedPersons = new Set(state.protections.filter(now).map(({ person }) => person));
  const membersOf = (family: number) => state.members.filter((m) => m.family === family).map((m) => m.person);
  const familiesOf = (person: number) => [...new Set(state.members.filter((m) => m.person === person).map((m) => m.family))];
  const familyRow = (family: number) => {
    const found = state.families.get(family);
    if (!found) throw new Error(`There is no family ${family}.`);
    return found;
  };

  const restricted = (family: number, organisation: Organisation) =>
    state.restrictions.some((r) => r.family === family && !r.lifted && (r.organisation === null || r.organisation === organisation.id));

  const atRisk = (family: number) => {
    const { stage, marac } = familyRow(family);
    return AT_RISK.includes(stage) || marac;
  };

  /** Whom of a family an organisation works with. */
  const worksWith = (family: number, organisation: Organisation): 'all' | number[] | null => {
    if (familyRow(family).controller === organisation.id) return 'all';
    if (organisation.agency === 'POLICE' && !atRisk(family)) return null;
    const found = involvements.filter((i) => i.family === family && i.organisation === organisation.id);
    if (found.length === 0) return null;
    return found.some((i) => i.person === null) ? 'all' : found.map((i) => i.person as number);
  };

  /** Whether a family has a protected member with whom an organisation is not named. At the county it is users who are named. */
  const guards = (family: number, organisation: Organisation, user: string | null = null) => {
    const names = (i: Involvement) => organisation.agency !== 'LA' || (user === null ? i.worker !== null : i.worker === user);
    return membersOf(family).some(
      (person) =>
        protectedPersons.has(person) && !involvements.some((i) => i.organisation === organisation.id && i.person === person && names(i)),
    );
  };

  const sees = (kind: LoginKind, organisation: Organisation) => {
    const { agency } = organisation;
    const opened = (family: number) => emergencies.filter((e) => e.family === family && e.organisation === organisation.id);

    /** Whom of a family the login sees; null: the family is not there. */
    const family = (id: number): 'all' | number[] | null => {
      if (agency === 'EVALUATOR') return null;
      if (kind !== 'sealed' && restricted(id, organisation)) return null;
      if (agency === 'DISTRICT' && guards(id, organisation)) return null;
      if (kind === 'emergency') return opened(id).length > 0 ? 'all' : null;
      return worksWith(id, organisation);
    };
    const personIn = (id: number, person: number) => {
      const seen = family(id);
      return seen === 'all' || (seen?.includes(person) ?? false);
    };
    /** The families in which the login sees a person. */
    const familiesWith = (person: number) => familiesOf(person).filter((id) => personIn(id, person));

    const to = (d: Decision) => d.organisation === organisation.id || (d.organisation === null && d.agency === agency);
    const decided = (effect: Decision['effect'], dataClass: PersonalClass, of: (d: Decision) => boolean) =>
      decisions.some((d) => d.effect === effect && d.classes.includes(dataClass) && to(d) && of(d));

    /** Others' rows of a class. */
    const open = ({ dataClass, family: id, person }: Pick<Fact, 'dataClass' | 'family' | 'person'>): boolean => {
      const level = levelOf(dataClass, agency);
      if (level === 'N' || agency === 'EVALUATOR') return false;
      if (id !== null && family(id) === null) return false;
      if (person !== null && familiesWith(person).length === 0) return false;
      // What is told of a person alone is decided where the login sees them.
      const seenIn = id !== null ? [id] : familiesWith(person as number);
      const about = (where: number[]) => (d: Decision) =>
        (d.person === null && where.includes(d.family)) || (person !== null && d.person === person);
      if (decided('WITHHOLD', dataClass, about(seenIn))) return false;
      if (LEAK_GROUP.includes(dataClass) && seenIn.some((each) => guards(each, organisation))) return false;
      if (kind === 'emergency') return level !== 'O' && seenIn.some((each) => opened(each).some((e) => e.classes.includes(dataClass)));
      if (level === 'A' || level === 'R') return true;
      return level !== 'O' && decided('SHARE', dataClass, about(seenIn));
    };

    /** A row of the organisation's own, which needs no grant. */
    const own = ({ dataClass, family: id, controller }: Fact): boolean => {
      const level = levelOf(dataClass, agency);
      if (controller !== organisation.id || level === 'N' || level === 'D') return false;
      // In an emergency there is nothing but the family that it opened.
      if (kind === 'emergency' && (id === null || family(id) === null)) return false;
      // The county has a grant on every family: what is withheld from it is withheld.
      if (agency === 'LA' && (level === 'A' || level === 'R')) return false;
      // What a person's own tables say is of nobody's work.
      if (id === null && level !== 'O' && level !== 'O/D') return false;
      return id === null || kind === 'sealed' || !restricted(id, organisation);
    };

    return { family, personIn, familiesWith, open, own, fact: (fact: Fact) => open(fact) || own(fact) };
  };

  /** What the API shows to a user of an organisation, under a purpose. */
  const shows = (caller: Caller) => {
    const { organisation, user, purpose } = caller;
    const { agency } = organisation;
    const rule: PurposeRule = PURPOSES[purpose];
    const login = sees(rule.opened ? 'emergency' : caller.sealed ? 'sealed' : 'daily', organisation);
    const barredFrom = (family: number) => conflicts.some((c) => c.family === family && c.subject === user);
    const barredPerson = (person: number) => familiesOf(person).some(barredFrom);
    const opened = (family: number) =>
      !rule.opened || emergencies.some((e) => e.family === family && e.organisation === organisation.id && e.subject === user);
    const staged = (family: number) => {
      if (!rule.stages || rule.stages.exempt.includes(agency)) return true;
      const { stage, marac } = familyRow(family);
      return rule.stages.only.includes(stage) || (rule.stages.marac && marac);
    };
    const family = (id: number) => login.family(id) !== null && !barredFrom(id) && staged(id) && opened(id);
    const person = (id: number) =>
      !barredPerson(id) && login.familiesWith(id).some((each) => staged(each) && opened(each) && !barredFrom(each));

    /** What the agreement and the purpose say of a class before any family: nothing of it, own rows alone, or all. */
    const reach = (dataClass: DataClass): 'none' | 'own' | 'all' => {
      if (!isPersonal(dataClass)) return 'all';
      const level = levelOf(dataClass, agency);
      if (level === 'N') return 'none';
      if (level === 'R' && !ROLES_FOR[dataClass]?.some((role) => caller.scopes.includes(`role:${role}`))) return 'none';
      if (rule.opens.includes(dataClass)) return level === 'O' ? 'own' : 'all';
      return rule.ownRows.includes(dataClass) && level !== 'D' ? 'own' : 'none';
    };
    const agreed = (id: number) => involvements.some((i) => i.organisation === organisation.id && i.person === id && i.agreed);

    /** @param alone asked for by its id: one's own needs no family. */
    const fact = (row: Fact, alone = false): boolean => {
      const to = reach(row.dataClass);
      if (to === 'none') return false;
      const entered = row.family !== null ? family(row.family) : person(row.person as number);
      const owned =
        alone &&
        agency !== 'LA' &&
        row.controller === organisation.id &&
        row.family !== null &&
        !barredFrom(row.family) &&
        opened(row.family);
      if (!entered && !owned) return false;
      // One person is asked for, by the id: of families there is nothing.
      if (rule.singleRecord && row.family !== null) return false;
      if (row.person !== null && barredPerson(row.person)) return false;
      // What is about nobody is about nobody who agreed.
      if (rule.agreedOnly && (row.person === null || !agreed(row.person))) return false;
      const mine = row.controller === organisation.id && (!['TEAM', 'PROVIDER'].includes(agency) || row.worker === user);
      if (to === 'own' && !mine) return false;
      if (agency === 'LA' && LEAK_GROUP.includes(row.dataClass)) {
        const guarded = row.family !== null ? [row.family] : login.familiesWith(row.person as number);
        if (guarded.some((each) => guards(each, organisation, user))) return false;
      }
      // Of a team, and of a provider, a row is the user's who wrote it.
      return (entered && login.open(row)) || (mine && login.own(row));
    };
    /** Whether a class of a family is open as a whole, to whom the purpose opens it. */
    const whole = (dataClass: PersonalClass, id: number) =>
      login.open({ dataClass, family: id, person: null }) &&
      !(agency === 'LA' && LEAK_GROUP.includes(dataClass) && guards(id, organisation, user));
    return { family, person, reach, fact, whole };
  };

  return { sees, shows, restricted, guards, atRisk };
}

/** A stage's change ends what was there for a process: bundles beyond their stages, and the police. */
export function changeStage(state: State, family: number, stage: Stage, marac: boolean): void {
  const row = state.families.get(family);
  if (!row) throw new Error(`There is no family ${family}.`);
  row.stage = stage;
  row.marac = marac;
  const ends = (lasting: Lasting) => {
    if (lasting.until === null || lasting.until > state.clock) lasting.until = state.clock;
  };
  for (const decision of state.decisions) {
    const bundle = decision.family === family && decision.bundle !== null ? BUNDLES[decision.bundle] : undefined;
    if (bundle && !bundle.stages.includes(stage) && !(bundle.marac && marac)) ends(decision);
  }
  const police = new Set(state.organisations.filter(({ agency }) => agency === 'POLICE').map(({ id }) => id));
  if (!AT_RISK.includes(stage) && !marac)
    for (const involvement of state.involvements)
      if (involvement.family === family && police.has(involvement.organisation)) ends(involvement);
}
