/**
 * The sharing agreement: which agency gets which kind of data, for which purpose, and who may write it.
 * Rules, per-agency schemas, database policies and the published matrix are derived from this file; nobody writes a
 * permission anywhere else. It illustrates Oxfordshire and is not legal advice: an authority puts its own here.
 */
import { AGENCIES, type Agency, type DataClass, PERSONAL_CLASSES, type PersonalClass } from './classes.ts';

/** Grows with every change of this file; stored with each decision and disclosure. */
export const AGREEMENT_VERSION = '2026-11-6';

/**
 * `A` always · `D` by decision for this family · `O` own rows · `O/D` own rows, others by decision ·
 * `R` by role · `N` never through this platform.
 */
export type Level = 'A' | 'D' | 'O' | 'O/D' | 'R' | 'N';

type Row = {
  what: string;
  levels: Record<Agency, Level>;
  /** Whom to ask for what is withheld. It depends on the class alone, so that it tells nothing. */
  ask: 'LEAD_PRACTITIONER' | 'INFORMATION_GOVERNANCE';
};

const lead = 'LEAD_PRACTITIONER';
const governance = 'INFORMATION_GOVERNANCE';

function row(what: string, levels: string, ask: Row['ask'] = lead): Row {
  const cells = levels.trim().split(/\s+/) as Level[];
  return { what, ask, levels: Object.fromEntries(AGENCIES.map((agency, i) => [agency, cells[i]])) as Row['levels'] };
}

/** Data class × agency. */
// biome-ignore format: the columns are the reading of it
export const AGREEMENT: Record<Exclude<DataClass, 'STRUCTURE'>, Row> = {
  //                                                                                        LA   TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER EVALUATOR
  DIRECTORY:   row('services, programmes, organisations, indicator definitions, code lists', 'A   A    A      A         A      A        A        A'),
  SAFETY:      row('what to do, not why: live conditions, safe contact, visit warnings',     'A   A    A      A         A      A        A        N'),
  INVOLVEMENT: row('which services work with the family, lead worker',                       'A   A    A      A         A      D        A        N'),
  IDENTITY:    row('names, date of birth, sex, interpreter and access needs',                'A   A    A      A         A      A        A        N'),
  FAMILY:      row('who belongs, relationships, parental responsibility',                    'A   A    A      A         A      D        A        N'),
  NHS_NUMBER:  row('NHS number and record-system ids',                                       'A   A    A      N         D      N        D        N', governance),
  UPN:         row('unique pupil number',                                                    'A   N    N      A         N      N        N        N', governance),
  EQUALITY:    row('ethnicity, disability, religion',                                        'A   D    D      D         N      D        D        N'),
  WHEREABOUTS: row('household, address, district, phone, e-mail, school, venue',             'A   A    A      A         A      A        D        N'),
  CASE:        row('plans, stage, reviews, legal path',                                      'A   A    A      O/D       A      O/D      O/D      N'),
  ASSESSMENT:  row('factors, risk, decisions and their reasons',                             'A   A    D      D         D      N        D        N'),
  WORKBOOK:    row('Workbook entries, capacity for change, family tools',                    'A   A    O/D    O         N      O        O/D      N'),
  SUPERVISION: row('group supervision',                                                      'R   O    O      O         N      N        O        N'),
  PROGRESS:    row('engagement, attendance, relapse that touches the children',              'A   A    D      N         D      N        O/D      N'),
  CHILD_VOICE: row("the child's words and wishes",                                           'A   A    D      D         D      N        O        N'),
  ADULT_VOICE: row("a parent's own words",                                                   'A   A    D      N         N      N        O/D      N'),
  CLINICAL:    row('diagnoses, tests, treatment, health scores; an unborn member',           'O/D O    O/D    N         N      N        O        N', governance),
  VICTIM:      row('DASH, safety plan, refuge, disclosures of abuse',                        'A   O    D      D         O/D    D        O        N', governance),
  OFFENCE:     row('call-outs, arrests, prosecutions, bail (UK GDPR article 10)',            'A   A    D      D         A      O        D        N', governance),
  COURT:       row('proceedings papers',                                                     'A   D    D      N         D      N        N        N', governance),
  EDUCATION:   row('attendance, exclusion, attainment',                                      'A   A    D      O/D       D      N        N        N'),
  HOUSING:     row('tenancy, homelessness, arrears',                                         'A   A    D      N         N      O/D      N        N'),
  OFFER:       row('a service offered and what came of it',                                  'A   A    D      N         N      O        O        N'),
  INFORMANT:   row('neighbours, relatives, anonymous referrers',                             'R   N    N      N         N      N        N        N', governance),
  STAFF:       row('caseload, training, supervision dates',                                  'R   N    N      N         N      N        N        N', governance),
  SHARING:     row('decisions to share and withhold, emergencies, notices, what the family was told', 'A O  O      O         O      O        O        N', governance),
  MEASURE:     row('figures about groups, suppressed',                                       'A   A    A      A         A      A        A        A'),
  EXACT:       row('figures about groups as they are, also where they are small',            'R   N    N      N         N      N        N        N', governance),
  RESEARCH:    row('pseudonymised rows of an extract that was released to an evaluator',    'R   N    N      N         N      N        N        A', governance),
  OPERATION:   row('audit, access, keys: an organisation sees its own',                      'R   R    R      R         R      R        R        R', governance),
};

/** Where the agreement says `R`: the roles (scope `role:<name>`) that open the class. */
export const ROLES_FOR: Partial<Record<DataClass, string[]>> = {
  SUPERVISION: ['practitioner', 'team-manager', 'information-governance'],
  INFORMANT: ['team-manager', 'front-door', 'information-governance'],
  STAFF: ['team-manager', 'information-governance'],
  EXACT: ['analyst'],
  RESEARCH: ['information-governance'],
  OPERATION: ['information-governance'],
};

/** Inside the county some roles see less than the county does. The API alone enforces this. */
export const ROLE_CLOSES: Record<string, (dataClass: DataClass) => boolean> = {
  'business-support': (c) => c === 'CLINICAL' || c === 'VICTIM' || c === 'CHILD_VOICE' || c === 'INFORMANT',
  analyst: (c) => c !== 'MEASURE' && c !== 'EXACT' && c !== 'DIRECTORY' && c !== 'STRUCTURE',
};

/** Of a restricted family's named users, whose role lets them have the record of a child before an adoption. */
export const ADOPTION_ROLE = 'adoption';

/**
 * Inside the county a user of these roles sees their own families alone; the front door takes in whoever comes, and
 * who does adoptions works with every team. The API alone enforces this, as every role.
 */
export const OWN_FAMILIES = {
  what: 'at the county only families of the teams that name the user, or that name the user as a worker',
  roles: ['practitioner', 'team-manager'],
  except: ['front-door', ADOPTION_ROLE],
};

/**
 * The leak group: what may tell where somebody is, or that they have moved. Of a family with a member whose whereabouts are
 * protected, who is not named as working with that very member has none of it, whatever else stands in this file: names, who
 * belongs together and what to do to keep safe are left. Free text and documents tell whatever their writer put there, so they
 * are in it whole.
 */
export const LEAK_GROUP: readonly PersonalClass[] = PERSONAL_CLASSES.filter(
  (dataClass) => !['SAFETY', 'IDENTITY', 'FAMILY', 'EQUALITY'].includes(dataClass),
);

/**
 * What goes into another system's copy only where its operator has declared that it honours restrictions; nothing that is kept from
 * somebody goes there either.
 */
export const COPIED_BY_PROMISE: readonly PersonalClass[] = ['CLINICAL', 'VICTIM', 'CHILD_VOICE'];

/** A family's stages; the grant carries the stage and the plan tests it. An open MARAC stands beside any of them. */
export const STAGES = [
  'EARLY_HELP',
  'ASSESSMENT',
  'CHILD_IN_NEED',
  'STRATEGY_DISCUSSION',
  'SECTION_47',
  'CHILD_PROTECTION',
  'PRE_PROCEEDINGS',
  'LOOKED_AFTER',
  'CLOSED',
] as const;

export type Stage = (typeof STAGES)[number];

/** The stages at which a child may come to significant harm: partners are there for safeguarding, and the police at all. */
export const AT_RISK: Stage[] = ['STRATEGY_DISCUSSION', 'SECTION_47', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'];

export type Purpose = keyof typeof PURPOSES;

export type PurposeRule = {
  what: string;
  /** Classes opened in full (as far as the agreement goes). */
  opens: readonly PersonalClass[];
  /** Classes of which only own rows are opened. */
  ownRows: readonly PersonalClass[];
  /** Only rows about persons who agreed to this organisation's involvement. */
  agreedOnly?: boolean;
  /** Stages at which a family is there at all; an open MARAC counts where `marac`. Absent: at every stage. */
  stages?: { only: readonly Stage[]; marac: boolean; exempt: readonly Agency[] };
  /** A role without which the purpose may not be used. */
  role?: string;
  /** Only families, and who belongs to them, of which the user has an emergency open. */
  opened?: boolean;
  /** The document may ask for single records by id only. */
  singleRecord?: boolean;
};

const all = PERSONAL_CLASSES;
const none: readonly PersonalClass[] = [];
const except = (...closed: PersonalClass[]) => all.filter((c) => !closed.includes(c));

/** Purposes of use (header `X-Purpose-Of-Use`): each opens at most this. DIRECTORY and `viewer` are open under all. */
export const PURPOSES = {
  SAFEGUARDING: {
    what: 'protecting a child from significant harm (Children Act 1989 s.47)',
    opens: all,
    ownRows: none,
    stages: { only: AT_RISK, marac: true, exempt: ['LA', 'TEAM'] },
  },
  CHILD_IN_NEED: {
    what: 'helping a child in need (Children Act 1989 s.17)',
    opens: except('OFFENCE', 'CLINICAL', 'VICTIM', 'COURT'),
    ownRows: ['OFFENCE', 'CLINICAL', 'VICTIM', 'COURT'],
    stages: { only: ['CHILD_IN_NEED', ...AT_RISK], marac: false, exempt: [] },
  },
  EARLY_HELP: {
    what: 'early help before statutory services',
    opens: ['IDENTITY', 'FAMILY', 'CASE', 'OFFER', 'SAFETY', 'INVOLVEMENT'],
    ownRows: all,
  },
  HOUSING_DUTY: {
    what: 'homelessness duties with consent (Housing Act 1996 s.213B)',
    opens: ['IDENTITY', 'WHEREABOUTS', 'HOUSING', 'OFFER', 'SAFETY'],
    ownRows: none,
    agreedOnly: true,
  },
  CRIME_PREVENTION: {
    what: 'preventing crime and disorder (Crime and Disorder Act 1998 s.115)',
    opens: ['SAFETY', 'IDENTITY'],
    ownRows: ['OFFENCE'],
  },
  DIRECT_CARE: {
    what: 'the care of the person in front of the practitioner',
    opens: ['IDENTITY', 'SAFETY', 'INVOLVEMENT'],
    ownRows: all,
  },
  PERFORMANCE: { what: 'figures about the service', opens: none, ownRows: none },
  EVALUATION: { what: 'figures for the evaluation', opens: none, ownRows: none },
  RECORD_SYNC: { what: "keeping the county's record system in step", opens: all, ownRows: none },
  SUBJECT_ACCESS: {
    what: "a person's right to their data",
    opens: all,
    ownRows: none,
    role: 'information-governance',
    singleRecord: true,
  },
  // Who checks who sees what reads of a family no more than its name, who works with it and what was decided.
  GOVERNANCE: {
    what: 'checking who sees what, and why',
    opens: ['SHARING', 'FAMILY', 'INVOLVEMENT'],
    ownRows: none,
    role: 'information-governance',
  },
  EMERGENCY: { what: 'what an open emergency opened, for who opened it', opens: all, ownRows: none, opened: true },
} as const satisfies Record<string, PurposeRule>;

export const PURPOSE_NAMES = Object.keys(PURPOSES) as Purpose[];

/**
 * The bit by which a grant says that a family stands at the stages of a purpose. A grant holds these bits and not the
 * stage, which is not for everybody who has one. Null: the purpose has no stages.
 */
export function stageBit(purpose: Purpose): number | null {
  const staged = PURPOSE_NAMES.filter((name) => (PURPOSES[name] as PurposeRule).stages);
  const index = staged.indexOf(purpose);
  return index === -1 ? null : 1 << index;
}

/** A purpose's rule. */
export function purposeRule(purpose: Purpose): PurposeRule {
  return PURPOSES[purpose];
}

type Writers = { agencies: readonly Agency[]; scope: string };

const writers = (agencies: string, scope: string): Writers => ({ agencies: agencies.split(' ') as Agency[], scope });

/**
 * Who may write which class, and with which scope. A class that is not here is not written through the API. What was
 * written is changed by whose row it is alone.
 */
// biome-ignore format: the columns are the reading of it
export const WRITERS: Partial<Record<DataClass, Writers>> = {
  IDENTITY:    writers('LA',                      'family:write'),
  FAMILY:      writers('LA',                      'family:write'),
  NHS_NUMBER:  writers('LA',                      'family:write'),
  UPN:         writers('LA',                      'family:write'),
  EQUALITY:    writers('LA',                      'family:write'),
  WHEREABOUTS: writers('LA',                      'family:write'),
  CASE:        writers('LA',                      'case:write'),
  ASSESSMENT:  writers('LA',                      'case:write'),
  COURT:       writers('LA',                      'case:write'),
  INFORMANT:   writers('LA',                      'case:write'),
  SAFETY:      writers('LA POLICE',               'safety:write'),
  WORKBOOK:    writers('LA TEAM',                 'workbook:write'),
  SUPERVISION: writers('LA TEAM',                 'workbook:write'),
  CHILD_VOICE: writers('LA TEAM',                 'workbook:write'),
  ADULT_VOICE: writers('LA TEAM',                 'workbook:write'),
  INVOLVEMENT: writers('LA TEAM',                 'intervention:write'),
  PROGRESS:    writers('LA TEAM PROVIDER',        'intervention:write'),
  // The organisation that treats; the county orders tests and holds what it is told of them.
  CLINICAL:    writers('LA TEAM HEALTH PROVIDER', 'clinical:write'),
  VICTIM:      writers('LA TEAM POLICE PROVIDER', 'victim:write'),
  // The police record; what others write is marked as reported.
  OFFENCE:     writers('LA TEAM POLICE',          'incident:write'),
  EDUCATION:   writers('EDUCATION',               'education:write'),
  HOUSING:     writers('DISTRICT',                'housing:write'),
  OFFER:       writers('LA TEAM',                 'offer:write'),
  STAFF:       writers('LA',                      'staff:write'),
  SHARING:     writers('LA',                      'sharing:write'),
  // What governance leads do: each at its own organisation.
  OPERATION:   writers('LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'governance:write'),
};

/**
 * Who decides on sharing a class: the county, as who keeps the family's record; on what others master, they alone, each on rows
 * of its own.
 */
export const DECIDES: Record<PersonalClass, readonly Agency[]> = {
  ...(Object.fromEntries(PERSONAL_CLASSES.map((dataClass) => [dataClass, ['LA']])) as unknown as Record<PersonalClass, Agency[]>),
  CLINICAL: ['HEALTH', 'PROVIDER'],
  OFFENCE: ['POLICE'],
  EDUCATION: ['EDUCATION', 'LA'],
  HOUSING: ['DISTRICT', 'LA'],
};

export type Bundle = {
  what: string;
  classes: readonly PersonalClass[];
  /** The stages at which it may be chosen, and beyond which it ends; `marac`: while a MARAC is open. */
  stages: readonly Stage[];
  marac?: true;
};

/** Classes that are decided on together at an event, and no longer than it lasts. */
export const BUNDLES: Record<string, Bundle> = {
  AGREEMENT_AT_ASSESSMENT: {
    what: 'what the family agreed to at its assessment',
    classes: ['ASSESSMENT', 'PROGRESS', 'CHILD_VOICE', 'ADULT_VOICE'],
    stages: STAGES.filter((stage) => stage !== 'CLOSED'),
  },
  STRATEGY_DISCUSSION: {
    what: 'a strategy discussion and the enquiry that follows it',
    classes: ['ASSESSMENT', 'VICTIM', 'CHILD_VOICE', 'PROGRESS', 'EDUCATION', 'HOUSING'],
    stages: ['STRATEGY_DISCUSSION', 'SECTION_47'],
  },
  CHILD_PROTECTION_PLAN: {
    what: 'a child protection plan',
    classes: ['ASSESSMENT', 'VICTIM', 'CHILD_VOICE', 'ADULT_VOICE', 'PROGRESS', 'WORKBOOK', 'EDUCATION', 'HOUSING'],
    stages: ['CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'],
  },
  MARAC: { what: 'a multi-agency risk assessment conference', classes: ['VICTIM', 'HOUSING', 'ASSESSMENT'], stages: [], marac: true },
};

/** `purposes`: it is done under these alone. */
type Act = Writers & { what: string; purposes?: readonly Purpose[] };

const act = (what: string, agencies: string, scope: string, ...purposes: Purpose[]): Act => ({
  what,
  ...writers(agencies, scope),
  ...(purposes.length > 0 ? { purposes } : {}),
});

/**
 * Acts between organisations. Each opens one command, and the rows it writes, to more agencies than those that write
 * the rows' class: who sends a referral writes no case.
 */
// biome-ignore format: the columns are the reading of it
export const ACTS = {
  makeReferral:             act('tell the county of a worry about a child',          'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'referral:write'),
  answerFeedback:           act('say whether feedback on an own referral was useful', 'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'referral:write'),
  answerInformationRequest: act('answer, or refuse with a reason, what was asked',    'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'referral:write'),
  lookUp:                   act('ask by an exact identifier whom to ring',            'LA HEALTH EDUCATION POLICE',                        'lookup:read'),
  registerServiceFeed:      act('say where an own directory of services is published', 'LA DISTRICT PROVIDER',                       'directory:write'),
  publishServices:          act('publish own services in the public directory',       'LA DISTRICT PROVIDER',                             'directory:write'),
  setServicePlaces:         act('say how many places an own service has',            'LA DISTRICT PROVIDER',                            'offer:write'),
  setServiceIndicators:     act('say what an own service is meant to move',          'LA DISTRICT PROVIDER',                            'offer:write'),
  recordOfferOutcome:       act('say what came of an offer',                          'LA TEAM DISTRICT PROVIDER',                         'offer:write'),
  redeemVoucher:            act('redeem a code at the desk that gives the service',   'DISTRICT PROVIDER',                                'offer:write'),
  askForHousing:            act('ask a council for housing without saying for whom',   'LA',                                               'offer:write'),
  answerHousingNeed:        act('answer such a need',                                 'DISTRICT',                                         'offer:write'),
  acceptHousingOffer:       act('accept an offer, and tell the council who it is',    'LA',                                               'offer:write'),
  refuseHousingOffer:       act('say that an offer is not wanted',                    'LA',                                               'offer:write'),
  recordHousingAnswer:      act('say what became of an own answer',                   'DISTRICT',                                         'offer:write'),
  referForHousing:          act('refer somebody to the council they chose, with consent', 'LA',                                           'offer:write'),
  answerHousingReferral:    act('say how such a referral stands',                     'DISTRICT',                                         'offer:write'),
  withdrawHousingReferral:  act('end it: the person agrees no longer',                'LA',                                               'offer:write'),
  closeHousingNeed:         act('ask no longer',                                      'LA',                                               'offer:write'),
  completeTask:             act('say that an own task is done',                       'LA TEAM HEALTH PROVIDER',                           'task:write'),
  // The county decides on what it writes, and who else writes a class on that class: see DECIDES.
  recordSharingDecision:    act('decide to share, or not to share, a class of a family', 'LA HEALTH EDUCATION POLICE DISTRICT PROVIDER',   'sharing:write'),
  withdrawSharingDecision:  act('end an own decision before its time',                'LA HEALTH EDUCATION POLICE DISTRICT PROVIDER',      'sharing:write'),
  recordDisclosureElsewhere: act('say what was disclosed by other means',             'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'sharing:write'),
  recordToldFamily:         act('say what the family was told, or why it was not safe', 'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'sharing:write'),
  retractEntry:             act('take an own row out of the record as wrong',         'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'sharing:write'),
  acknowledgeRecall:        act('say that a recall was read and followed',            'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'sharing:write'),
  disputeFact:              act("put a person's statement beside a fact",             'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'sharing:write'),
  recordDisagreement:       act('dissent from a decision, where it stands',           'LA TEAM HEALTH EDUCATION POLICE PROVIDER',          'sharing:write'),
  openInvolvement:          act('open a family to who works with it',                 'LA',                                                'case:write'),
  endInvolvement:           act('end who works with a family',                        'LA',                                                'case:write'),
  recordConflictOfInterest: act('hide a family from an own user',                     'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'sharing:write'),
  endConflictOfInterest:    act('end such a conflict',                                'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'sharing:write'),
  openEmergencyAccess:      act('open a family in an emergency',                      'LA TEAM HEALTH EDUCATION POLICE DISTRICT PROVIDER', 'emergency:declare'),
  acknowledgeNotice:        act('say that a notice of looks from outside was read',    'LA TEAM',                                           'sharing:write'),
  delayAccessNotices:       act('have others told later of own looks at a family',     'POLICE',                                            'sharing:write'),
  requestSubjectAccess:     act("take up somebody's request for their own data",      'LA', 'governance:write', 'SUBJECT_ACCESS'),
  confirmSubjectAccessIdentity: act('say that who asks is who they say',              'LA', 'governance:write', 'SUBJECT_ACCESS'),
  extendSubjectAccess:      act('take two months more for a request',                 'LA', 'governance:write', 'SUBJECT_ACCESS'),
  prepareSubjectAccess:     act('gather what is held about who asks',                 'LA', 'governance:write', 'SUBJECT_ACCESS'),
  recordHealthOpinion:      act('say what a health professional thinks of giving it', 'LA', 'governance:write', 'SUBJECT_ACCESS'),
  reviewSubjectAccessItems: act('give, or leave out, part of what was gathered',      'LA', 'governance:write', 'SUBJECT_ACCESS'),
  signSubjectAccess:        act('sign what goes out, as a second person',             'LA', 'governance:write', 'SUBJECT_ACCESS'),
  sendSubjectAccess:        act('say that it went out',                               'LA', 'governance:write', 'SUBJECT_ACCESS'),
  placeHold:                act('keep records from being erased',                     'LA', 'governance:write'),
  liftHold:                 act('lift such a hold',                                   'LA', 'governance:write'),
  proposeErasure:           act('propose that a record is erased',                    'LA', 'governance:write'),
  approveErasure:           act('approve it, as a second person',                     'LA', 'governance:write'),
  rejectErasure:            act('reject it',                                          'LA', 'governance:write'),
  // Of those it may write of: the owner of an indicator reports it, of families that it sees, or of areas.
  recordObservations:       act('report own figures of the outcome framework',        'LA HEALTH EDUCATION POLICE DISTRICT PROVIDER',      'outcome:write'),
  setTarget:                act('set a target, or adjust one with its reason',        'LA',                                                'outcome:write'),
  // Two of them: who prepares an extract does not release it.
  prepareExtract:           act('make pseudonymised rows for an evaluator',             'LA', 'governance:write', 'GOVERNANCE'),
  releaseExtract:           act('let the evaluator read them, as a second person',       'LA', 'governance:write', 'GOVERNANCE'),
  withdrawExtract:          act('let nobody outside read them any more',                'LA', 'governance:write', 'GOVERNANCE'),
  closeSubjectAccess:       act('end a request that is withdrawn, or refused',        'LA', 'governance:write', 'SUBJECT_ACCESS'),
} as const satisfies Record<string, Act>;

export type ActName = keyof typeof ACTS;

/** Who may perform a command: the writers of its class, and those to whom the act itself is open. */
export function writersOf(dataClass: DataClass, command?: string): Writers[] {
  const own = command !== undefined && Object.hasOwn(ACTS, command) ? [ACTS[command as ActName]] : [];
  const byClass = WRITERS[dataClass];
  return own.length > 0 ? own : byClass ? [byClass] : [];
}

/** The purposes under which alone a command is done; null: under any that the client may use. */
export function purposesOf(command: string): readonly Purpose[] | null {
  return (Object.hasOwn(ACTS, command) && (ACTS[command as ActName] as Act).purposes) || null;
}

/** The level of a class for an agency. STRUCTURE is as visible as its row. */
export function levelOf(dataClass: DataClass, agency: Agency): Level {
  return dataClass === 'STRUCTURE' ? 'A' : AGREEMENT[dataClass].levels[agency];
}
