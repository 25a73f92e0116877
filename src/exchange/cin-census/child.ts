/** A child of the census, read with suspicion: what is no value is named with its line, path and rule, and left out; the rest is taken. */
import { fromLondon } from '../liquidlogic/london.ts';
import type { Element } from './xml.ts';

export type CensusFault = { line: number; path: string; rule: string; message: string };

type Value = { text: string; line: number; path: string };

export type Assessment = { line: number; path: string; started: string; authorised: string | null; factors: Value[] };
export type CarePlan = {
  line: number;
  path: string;
  kind: 'CHILD_IN_NEED' | 'CHILD_PROTECTION';
  started: string;
  ended: string | null;
  initial: string | null;
  latest: string | null;
};
export type Episode = {
  line: number;
  path: string;
  referred: string;
  source: string;
  primaryNeed: string | null;
  noFurtherAction: boolean;
  closed: string | null;
  reason: string | null;
  assessments: Assessment[];
  plans: CarePlan[];
  enquiries: { line: number; path: string; started: string }[];
  proceedings: {
    line: number;
    path: string;
    started: string;
    record: {
      letterSent?: string;
      familyGroupOffered?: boolean;
      familyGroupFacilitated?: boolean;
      firstMeeting?: string;
      reviewMeetings?: number;
      stepDecision?: string;
      outcome?: string;
    };
    court: { applied: string; letterSent?: string } | null;
  }[];
};

export type CensusChild = {
  line: number;
  /** Null: the child has none, and is not taken. */
  id: string | null;
  upn: string | null;
  born: string | null;
  expected: string | null;
  sex: string;
  ethnicity: string | null;
  disabilities: string[];
  episodes: Episode[];
};

const SEXES = new Set(['M', 'F', 'U']);
/** `GenderCurrent`, before 2024-25. */
const GENDERS: Record<string, string> = { '0': 'U', '1': 'M', '2': 'F', '9': 'U' };

/** Elements that say something for which there is no place here, and why. */
const NOT_TAKEN: Record<string, string> = {
  FormerUPN: 'Former numbers are not kept.',
  PersonDeathDate: 'A death is put on record by a person, not by a census.',
  AssessmentInternalReviewDate: 'An internal review is not kept.',
  InitialCPCtarget: 'It is reckoned from the start of the enquiry.',
  DateOfInitialCPC: 'A conference is put on record with its chair and its decision, which the census does not have.',
  ICPCnotRequired: 'An enquiry is ended with its outcome, which the census does not have.',
  NumberOfPreviousCPP: 'It is counted from the plans that are on record.',
  Reviews: 'A review is put on record with its decision and participation, which the census does not have.',
};

/** Elements that only say that something is not there. */
const SAYS_NOTHING = new Set(['UPNunknown']);

const isDay = (text: string) => {
  const found = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  return found !== null && !Number.isNaN(found.getTime()) && found.toISOString().startsWith(text);
};
const isYes = (text: string): boolean | null => (/^(1|true)$/i.test(text) ? true : /^(0|false)$/i.test(text) ? false : null);

/** Reads the elements of one level, each once or many times; what is none of them, or stands between them, is named. */
function reader(element: Element, path: string, faults: CensusFault[]) {
  const known = new Set<string>();
  const fault = (at: { line: number; path: string }, rule: string, message: string) =>
    faults.push({ line: at.line, path: at.path, rule, message });
  const stray = element.text.trim();
  if (stray !== '' && element.children.length > 0)
    fault({ line: element.line, path }, 'STRAY_TEXT', 'A text stands between the elements; it is passed over.');
  const all = (name: string): { element: Element; path: string; line: number }[] => {
    known.add(name);
    const found = element.children.filter((child) => child.name === name);
    return found.map((child, i) => ({ element: child, line: child.line, path: `${path}/${name}${found.length > 1 ? `[${i + 1}]` : ''}` }));
  };
  const values = (name: string): Value[] =>
    all(name).flatMap((at) => (at.element.text.trim() === '' ? [] : [{ text: at.element.text.trim(), line: at.line, path: at.path }]));
  const value = (name: string): Value | null => {
    const found = values(name);
    if (found.length > 1) fault(found[1] as Value, 'REPEATED', 'It stands there twice; the first of them counts.');
    return found[0] ?? null;
  };
  const day = (name: string, rule = 'NO_DATE'): string | null => {
    const found = value(name);
    if (found && !isDay(found.text)) {
      fault(found, rule, 'It is no day of the calendar.');
      return null;
    }
    return found?.text ?? null;
  };
  const flag = (name: string): boolean | null => {
    const found = value(name);
    const said = found ? isYes(found.text) : null;
    if (found && said === null) fault(found, 'NO_FLAG', 'It is neither true nor false.');
    return said;
  };
  const end = () => {
    for (const child of element.children) {
      if (known.has(child.name) || SAYS_NOTHING.has(child.name)) continue;
      const at = { line: child.line, path: `${path}/${child.name}` };
      if (Object.hasOwn(NOT_TAKEN, child.name)) fault(at, 'NOT_TAKEN', NOT_TAKEN[child.name] as string);
      else fault(at, 'UNKNOWN_ELEMENT', 'The census has no such element here; it is passed over.');
    }
  };
  return { all, value, values, day, flag, fault, end };
}

/** When the census was made, by its header; null where it does not say. */
export function censusMade(header: Element): string | null {
  const at = (name: string, from: Element): Element | undefined => from.children.find((child) => child.name === name);
  const source = at('Source', header);
  const collection = at('CollectionDetails', header);
  for (const said of [source && at('DateTime', source), collection && at('ReferenceDate', collection)]) {
    const local = said ? fromLondon(said.text) : null;
    if (local) return new Date(local.moment).toISOString();
  }
  return null;
}

/** Reads a child. @param faults what is found wrong is added. */
export function readChild(element: Element, faults: CensusFault[]): CensusChild {
  const child = reader(element, '', faults);
  const nothing: Element = { name: '', line: element.line, text: '', children: [] };
  const part = (name: string, of: ReturnType<typeof reader>, path: string) => {
    const [found, twice] = of.all(name);
    if (twice) of.fault(twice, 'REPEATED', 'It stands there twice; the first of them counts.');
    return reader(found?.element ?? nothing, `${path}/${name}`, faults);
  };
  const identifiers = part('ChildIdentifiers', child, '');
  const id = identifiers.value('LAchildID');
  if (!id)
    identifiers.fault({ line: element.line, path: '/ChildIdentifiers/LAchildID' }, '8500', 'The child has no id; nothing of it is taken.');
  const upn = identifiers.value('UPN');
  const born = identifiers.day('PersonBirthDate', '8525Q');
  const expected = identifiers.day('ExpectedPersonBirthDate');
  if (born && expected)
    identifiers.fault(
      { line: element.line, path: '/ChildIdentifiers/ExpectedPersonBirthDate' },
      '8525Q',
      'The child is born; when the birth was expected is passed over.',
    );
  const sexSaid = identifiers.value('Sex');
  const gender = identifiers.value('GenderCurrent');
  const sex = sexSaid ? (SEXES.has(sexSaid.text) ? sexSaid.text : null) : gender ? (GENDERS[gender.text] ?? null) : null;
  if (sex === null)
    identifiers.fault(
      sexSaid ?? gender ?? { line: element.line, path: '/ChildIdentifiers/Sex' },
      '4180',
      'The sex is M, F or U; it is put on record as U.',
    );
  identifiers.end();

  const characteristics = part('ChildCharacteristics', child, '');
  const ethnicity = characteristics.value('Ethnicity');
  const disabled = part('Disabilities', characteristics, '/ChildCharacteristics');
  const disabilities = disabled.values('Disability').map(({ text }) => text);
  disabled.end();
  characteristics.end();

  const episodes = child.all('CINdetails').flatMap((at) => readEpisode(at, faults));
  child.end();
  return {
    line: element.line,
    id: id?.text ?? null,
    upn: upn?.text ?? null,
    born,
    expected: born ? null : expected,
    sex: sex ?? 'U',
    ethnicity: ethnicity?.text ?? null,
    disabilities,
    episodes,
  };
}

function readEpisode(at: { element: Element; path: string; line: number }, faults: CensusFault[]): Episode[] {
  const { path } = at;
  const of = reader(at.element, path, faults);
  const referred = of.day('CINreferralDate', '8600');
  const source = of.value('ReferralSource');
  const need = of.value('PrimaryNeedCode');
  const nothingDone = of.flag('ReferralNFA');
  const closed = of.day('CINclosureDate');
  const reason = of.value('ReasonForClosure');
  const began = (name: string, from: ReturnType<typeof reader>, where: { line: number; path: string }, rule: string): string | null => {
    const day = from.day(name, rule);
    if (day === null) from.fault(where, rule, 'Without the day on which it began it is not taken.');
    return day;
  };
  const assessments = of.all('Assessments').flatMap((each): Assessment[] => {
    const inner = reader(each.element, each.path, faults);
    const started = began('AssessmentActualStartDate', inner, each, 'NO_START');
    const authorised = inner.day('AssessmentAuthorisationDate');
    const factors = inner.all('FactorsIdentifiedAtAssessment').flatMap((list) => {
      const named = reader(list.element, list.path, faults);
      const found = named.values('AssessmentFactors');
      named.end();
      return found;
    });
    inner.end();
    return started ? [{ line: each.line, path: each.path, started, authorised, factors }] : [];
  });
  const plans = [
    ...of.all('CINPlanDates').flatMap((each): CarePlan[] => {
      const inner = reader(each.element, each.path, faults);
      const started = began('CINPlanStartDate', inner, each, '4010');
      const ended = inner.day('CINPlanEndDate');
      inner.end();
      return started ? [{ line: each.line, path: each.path, kind: 'CHILD_IN_NEED', started, ended, initial: null, latest: null }] : [];
    }),
    ...of.all('ChildProtectionPlans').flatMap((each): CarePlan[] => {
      const inner = reader(each.element, each.path, faults);
      const started = began('CPPstartDate', inner, each, '8720');
      const ended = inner.day('CPPendDate');
      const initial = inner.value('InitialCategoryOfAbuse')?.text ?? null;
      const latest = inner.value('LatestCategoryOfAbuse')?.text ?? null;
      inner.end();
      return started ? [{ line: each.line, path: each.path, kind: 'CHILD_PROTECTION', started, ended, initial, latest }] : [];
    }),
  ];
  const enquiries = of.all('Section47').flatMap((each) => {
    const inner = reader(each.element, each.path, faults);
    const started = began('S47ActualStartDate', inner, each, 'NO_START');
    inner.end();
    return started ? [{ line: each.line, path: each.path, started }] : [];
  });
  const proceedings = of.all('PreProceedingsandFGDM').flatMap((each) => {
    const inner = reader(each.element, each.path, faults);
    const started = began('PPStartDate', inner, each, 'NO_START');
    const meetings = inner.value('ReviewMeetingsCount');
    if (meetings && !/^\d{1,3}$/.test(meetings.text)) inner.fault(meetings, 'NO_NUMBER', 'It is no number.');
    const given = <T extends object>(said: T) =>
      Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null && value !== undefined));
    const record = given({
      letterSent: inner.day('LBPSentDate'),
      familyGroupOffered: inner.flag('FGDMMeetingOffer'),
      familyGroupFacilitated: inner.flag('FGDMMeetingFac'),
      firstMeeting: inner.day('InitialPPMeetingDate'),
      reviewMeetings: meetings && /^\d{1,3}$/.test(meetings.text) ? Number(meetings.text) : null,
      stepDecision: inner.day('StepDecisionDate'),
      outcome: inner.value('PPOutcome')?.text,
    });
    const applied = inner.day('CourtAppDate');
    const letter = inner.day('LetterInitCPDate');
    inner.end();
    const court = applied ? { applied, ...(letter ? { letterSent: letter } : {}) } : null;
    return started ? [{ line: each.line, path: each.path, started, record, court }] : [];
  });
  of.end();
  if (referred === null) {
    of.fault(at, '8600', 'Without the day of the referral nothing of the episode is taken.');
    return [];
  }
  if (!source) {
    of.fault(at, '8866', 'Without the source of the referral nothing of the episode is taken.');
    return [];
  }
  return [
    {
      line: at.line,
      path,
      referred,
      source: source.text,
      primaryNeed: need?.text ?? null,
      noFurtherAction: nothingDone ?? false,
      closed,
      reason: reason?.text ?? null,
      assessments,
      plans,
      enquiries,
      proceedings,
    },
  ];
}
