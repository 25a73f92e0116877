/**
 * Who asks in the demonstration: clients, their users, the people named in the teams, and the callers that tests and
 * documents speak of. Everybody here is invented.
 */

import organisationFile from '../../reference/oxfordshire/organisations.json' with { type: 'json' };
import type { Purpose } from '../access/agreement.ts';
import type { Agency } from '../access/classes.ts';

/** The bodies of Oxfordshire's reference data. */
export const organisations = organisationFile.entries as {
  id: number;
  code: string;
  name: string;
  agency: Agency;
  parent: string | null;
  district: string | null;
}[];
const ids = new Map(organisations.map(({ code, id }) => [code, id]));

/** The id of an organisation of Oxfordshire's reference data. */
export function organisationId(code: string): number {
  const id = ids.get(code);
  if (id === undefined) throw new Error(`There is no organisation ${code}.`);
  return id;
}

/** Codes of the organisations of an agency in a district (by its ONS code), or anywhere. */
export function organisationsOf(agency: Agency, district?: string): string[] {
  return organisations.filter((o) => o.agency === agency && (!district || o.district === district)).map(({ code }) => code);
}

/** Somebody who works through a client. `subject` is the token's `sub`. */
export type Practitioner = { subject: string; name: string };

/** Somebody named in a team. */
export type TeamPractitioner = Practitioner & { discipline: string };

// biome-ignore format: a list to read as one
const GIVEN_NAMES = [
  'Alice', 'Bilal', 'Carys', 'Damian', 'Esther', 'Femi', 'Georgia', 'Hamish', 'Ines', 'Joel', 'Katya', 'Lewis', 'Miriam', 'Nathan', 'Olive',
  'Pavel', 'Rhona', 'Samir', 'Tessa', 'Umar', 'Verity', 'Wesley', 'Yasmin', 'Zachary', 'Anneka', 'Bruno', 'Cleo', 'Dougal', 'Elsie', 'Farid', 'Gwen',
];
// biome-ignore format: a list to read as one
const FAMILY_NAMES = [
  'Ackroyd', 'Bellamy', 'Chowdhury', 'Dunstan', 'Ekwueme', 'Farrow', 'Greaves', 'Holloway', 'Ibbotson', 'Jessop', 'Kaminski', 'Lockett', 'Mistry',
  'Norbury', 'Ollerton', 'Pemberton', 'Quigley', 'Ravensdale', 'Sandhu', 'Tranter', 'Underhill', 'Vickery', 'Wetherby', 'Yardley', 'Zielinski',
  'Ashworth', 'Brackley', 'Coombes', 'Drummond', 'Ellwood', 'Fairweather', 'Goddard', 'Hathersage', 'Inskip', 'Jardine', 'Kettering', 'Lampard',
];

export const named = (name: string): Practitioner => ({ name, subject: name.toLowerCase().replaceAll(' ', '.') });

/** A practitioner's invented name; different for every index below 31 × 37, neighbours having little in common. */
export function invented(index: number): Practitioner {
  const round = Math.floor(index / GIVEN_NAMES.length);
  return named(`${GIVEN_NAMES[index % GIVEN_NAMES.length]} ${FAMILY_NAMES[(index * 11 + round) % FAMILY_NAMES.length]}`);
}

const ADULT_DISCIPLINES = ['mental-health', 'domestic-abuse', 'substance-misuse'] as const;

/** Ten posts in each adult discipline, shared by the 22 teams (Cabinet report of July 2019). */
const SPECIALISTS_OF_EACH = 10;

/** People whom the three stories name. */
const NAMED_IN_TEAM_07: Record<number, string> = { 1: 'Grace Whitlock', 2: 'Marcus Oyelaran', 7: 'Bethan Rowe' };
const NAMED_SPECIALISTS: Record<string, string> = {
  'mental-health-2': 'Niamh Carroll',
  'domestic-abuse-2': 'Ruth Ellery',
  'substance-misuse-2': 'Jonah Pryce',
  'substance-misuse-0': 'Lorna Beckett',
};

function specialist(discipline: string, disciplineIndex: number, team: number): TeamPractitioner {
  const post = Math.floor(((team - 1) * SPECIALISTS_OF_EACH) / 22);
  const name = NAMED_SPECIALISTS[`${discipline}-${post}`];
  return { ...(name ? named(name) : invented(400 + disciplineIndex * SPECIALISTS_OF_EACH + post)), discipline };
}

/** The annex's team: manager, six social workers, two family support workers, business support, three specialists. */
const POSTS = ['team-manager', ...Array.from({ length: 6 }, () => 'social-worker'), 'family-support', 'family-support', 'business-support'];

function teamOf(team: number): TeamPractitioner[] {
  const posts = POSTS.map((discipline, index) => {
    const name = team === 7 ? NAMED_IN_TEAM_07[index] : undefined;
    return { ...(name ? named(name) : invented((team - 1) * POSTS.length + index)), discipline };
  });
  return [...posts, ...ADULT_DISCIPLINES.map((discipline, index) => specialist(discipline, index, team))];
}

/** Everybody named in a team, by the team's code. */
export const TEAMS: Record<string, TeamPractitioner[]> = Object.fromEntries(
  organisationsOf('TEAM').map((code) => [code, teamOf(Number(code.slice(-2)))]),
);

/** Those of a team who have one of these disciplines. */
export function inTeam(team: string, ...disciplines: string[]): TeamPractitioner[] {
  return (TEAMS[team] ?? []).filter(({ discipline }) => disciplines.includes(discipline));
}

/** How many users an organisation outside the county and its teams has, and the first of them by name. */
const STAFF: Record<string, { users: number; first?: string[] }> = {
  'oxford-health': { users: 24, first: ['Amara Osei', 'Felicity Garside'] },
  'oxford-university-hospitals': { users: 3 },
  'school-tansy-bridge': { users: 1, first: ['Owen Lathbury'] },
  'school-larch-hollow': { users: 1, first: ['Priscilla Dean'] },
  'thames-valley-police': { users: 8, first: ['Harriet Coyle'] },
  'cherwell-housing': { users: 2, first: ['Dilys Penrose'] },
  'turning-point': { users: 12, first: ['Callum Strand', 'Moira Fenwick'] },
  'elmore-victims': { users: 5, first: ['Saira Bhatt'] },
  'elmore-perpetrators': { users: 5, first: ['Vincent Hale'] },
  'oxfordshire-mind': { users: 8, first: ['Isolde Marsh'] },
  'connections-support': { users: 4 },
  'oxford-university': { users: 1, first: ['Cornelius Bright'] },
};

const outside = organisations.filter(({ agency }) => agency !== 'LA' && agency !== 'TEAM');

function staffOutside(): Record<string, Practitioner[]> {
  let next = 440;
  const staff: Record<string, Practitioner[]> = {};
  for (const { code, agency, parent } of outside) {
    const isCouncil = agency === 'DISTRICT' && parent === null;
    const { users, first = [] } = STAFF[code] ?? { users: isCouncil ? 0 : 1 };
    staff[code] = Array.from({ length: users }, (_, index) => {
      const name = first[index];
      return name ? named(name) : invented(next++);
    });
  }
  return staff;
}

/** Users of the organisations outside the county and its teams. A council itself has none: people work at its desks. */
export const PRACTITIONERS: Record<string, Practitioner[]> = staffOutside();

/** A subject's user at an organisation; throws where there is none. */
export function practitioner(organisation: string, subject: string): Practitioner {
  const found = [...(PRACTITIONERS[organisation] ?? []), ...(TEAMS[organisation] ?? [])].find((p) => p.subject === subject);
  if (!found) throw new Error(`${subject} does not work at ${organisation}.`);
  return found;
}

export type ClientRow = {
  id: string;
  name: string;
  organisation: string;
  scopes: string[];
  purposes: Purpose[];
  defaultPurpose: Purpose | null;
  honoursRestrictions: boolean;
};

const client = (id: string, name: string, organisation: string, scopes: string, purposes: Purpose[]): ClientRow => ({
  id,
  name,
  organisation,
  scopes: scopes.split(' ').filter((scope) => scope !== ''),
  purposes,
  defaultPurpose: purposes[0] ?? null,
  honoursRestrictions: purposes.includes('RECORD_SYNC'),
});

/** What the county's practitioners write. */
const COUNTY_WRITES =
  'family:write case:write safety:write workbook:write intervention:write clinical:write victim:write incident:write offer:write referral:write lookup:read task:write sharing:write emergency:declare';

/** What those do who check who sees what. */
const GOVERNANCE = 'family:read governance:write sharing:write role:information-governance';

const COUNTY_PURPOSES: Purpose[] = ['SAFEGUARDING', 'CHILD_IN_NEED', 'EARLY_HELP', 'EMERGENCY'];

const countyClients = (county: string) => [
  client(`${county}-social-care`, 'Social care', county, `family:read ${COUNTY_WRITES} role:practitioner`, COUNTY_PURPOSES),
  client(`${county}-front-door`, 'Front door', county, `family:read ${COUNTY_WRITES} role:practitioner role:front-door`, COUNTY_PURPOSES),
  client(
    `${county}-team-management`,
    'Team management',
    county,
    `family:read ${COUNTY_WRITES} staff:write directory:write role:practitioner role:team-manager`,
    COUNTY_PURPOSES,
  ),
  client(
    `${county}-adoption`,
    'Adoption',
    county,
    `family:read ${COUNTY_WRITES} role:practitioner role:team-manager role:adoption`,
    COUNTY_PURPOSES,
  ),
  client(`${county}-record-system`, 'Record system', county, `family:read ${COUNTY_WRITES}`, ['RECORD_SYNC']),
  client(`${county}-analyst`, 'Performance analysis', county, 'outcome:write role:analyst', ['PERFORMANCE']),
  client(`${county}-governance`, 'Information governance', county, GOVERNANCE, ['GOVERNANCE', 'SUBJECT_ACCESS']),
];

/** What clients are made for: an organisation of the reference data. */
export type Named = { code: string; name: string; agency: Agency; parent: string | null };

/** What practitioners of every organisation write that works with families. */
const EVERYBODY_WRITES = 'referral:write sharing:write emergency:declare';

/** The application of practitioners outside the county, and that of who checks there who sees what. */
const practice = (code: string, id: string, name: string, scopes: string, purposes: Purpose[]): ClientRow[] => [
  client(`${code}-${id}`, name, code, `family:read ${scopes} ${EVERYBODY_WRITES}`, [...purposes, 'EMERGENCY']),
  client(`${code}-governance`, `Information governance of ${name}`, code, GOVERNANCE, ['GOVERNANCE']),
];

/** The same of an organisation that reports figures of its own for the outcome framework. */
const reporting: typeof practice = (code, id, name, scopes, purposes) => [
  ...practice(code, id, name, scopes, purposes),
  client(`${code}-performance`, `Performance reporting of ${name}`, code, 'outcome:write', ['PERFORMANCE']),
];

/** The applications of one organisation. The first purpose is the default. */
export function clientsOf({ code, name, agency, parent }: Named): ClientRow[] {
  switch (agency) {
    case 'TEAM':
      return practice(
        code,
        'workbook',
        `Workbook of ${name}`,
        'workbook:write intervention:write clinical:write victim:write incident:write offer:write task:write',
        ['SAFEGUARDING', 'CHILD_IN_NEED', 'EARLY_HELP'],
      );
    case 'HEALTH': {
      const visiting = code === 'oxford-health';
      return reporting(
        code,
        visiting ? 'visiting' : 'safeguarding',
        `${visiting ? 'Health visiting' : 'Safeguarding'} of ${name}`,
        'clinical:write lookup:read task:write',
        ['SAFEGUARDING', 'CHILD_IN_NEED', 'DIRECT_CARE', 'EARLY_HELP'],
      );
    }
    case 'EDUCATION':
      return reporting(code, 'pastoral', `Pastoral care of ${name}`, 'education:write lookup:read', [
        'SAFEGUARDING',
        'CHILD_IN_NEED',
        'EARLY_HELP',
      ]);
    case 'POLICE':
      return reporting(
        code,
        'protection',
        `Protecting vulnerable people, ${name}`,
        'safety:write incident:write victim:write lookup:read',
        ['SAFEGUARDING', 'CRIME_PREVENTION'],
      );
    case 'DISTRICT':
      return districtClients(code, name, parent);
    case 'PROVIDER':
      return reporting(code, 'casework', `Casework of ${name}`, 'intervention:write clinical:write victim:write offer:write task:write', [
        'SAFEGUARDING',
        'CHILD_IN_NEED',
        'EARLY_HELP',
      ]);
    case 'EVALUATOR':
      return [client(`${code}-evaluation`, `Evaluation by ${name}`, code, 'family:read', ['EVALUATION'])];
    default:
      return countyClients(code);
  }
}

/**
 * The housing duty is the housing desk's alone; a council itself reads the directory and figures, never families. A desk publishes what it gives:
 * who publishes a service answers what is offered of it.
 */
function districtClients(code: string, name: string, parent: string | null): ClientRow[] {
  if (parent === null) return [client(`${code}-directory`, `Directory of ${name}`, code, 'directory:write', ['PERFORMANCE'])];
  const help: Purpose[] = ['EARLY_HELP', 'CHILD_IN_NEED', 'SAFEGUARDING'];
  const desk = (scopes: string, purposes: Purpose[]) => reporting(code, 'desk', `Desk of ${name}`, scopes, purposes);
  if (code.endsWith('-housing')) return desk('housing:write offer:write directory:write', ['HOUSING_DUTY', ...help]);
  if (code.endsWith('-safety')) return desk('offer:write directory:write', [...help, 'CRIME_PREVENTION']);
  return desk('offer:write directory:write', help);
}

/** Every client of the demonstration. */
export const CLIENTS: ClientRow[] = organisations.flatMap((organisation) => clientsOf(organisation));

export type UserRow = Practitioner & { organisation: string };

/** Business support has no user at the county: its client gives everybody the practitioner's role. */
export const COUNTY_DISCIPLINES = ['team-manager', 'social-worker', 'family-support'];

/** Every user of the demonstration, once at each organisation through which they work. */
export const USERS: UserRow[] = [
  ...Object.keys(TEAMS).flatMap((team) =>
    inTeam(team, ...COUNTY_DISCIPLINES).map(({ subject, name }) => ({ organisation: 'occ', subject, name })),
  ),
  ...['Philippa Nunn', 'Gideon Marlowe', 'Agnes Thorley'].map((name) => ({ organisation: 'occ', ...named(name) })),
  ...Object.entries(TEAMS).flatMap(([organisation, people]) => people.map(({ subject, name }) => ({ organisation, subject, name }))),
  ...Object.entries(PRACTITIONERS).flatMap(([organisation, people]) => people.map((person) => ({ organisation, ...person }))),
];

export type Persona = { key: string; label: string; client: string; user: string; purpose: Purpose; agency: Agency };

/** The callers of the demonstration: all seven agencies that help the first family, and the evaluator, who sees none. */
export const PERSONAS = {
  socialWorker: {
    key: 'socialWorker',
    label: 'Social worker, Oxfordshire County Council',
    client: 'occ-social-care',
    user: 'grace.whitlock',
    purpose: 'SAFEGUARDING',
    agency: 'LA',
  },
  teamSpecialist: {
    key: 'teamSpecialist',
    label: 'Substance misuse worker of the team in Banbury',
    client: 'team-07-workbook',
    user: 'jonah.pryce',
    purpose: 'SAFEGUARDING',
    agency: 'TEAM',
  },
  healthVisitor: {
    key: 'healthVisitor',
    label: 'Health visitor, Oxford Health',
    client: 'oxford-health-visiting',
    user: 'amara.osei',
    purpose: 'SAFEGUARDING',
    agency: 'HEALTH',
  },
  school: {
    key: 'school',
    label: "Safeguarding lead of the children's school",
    client: 'school-tansy-bridge-pastoral',
    user: 'owen.lathbury',
    purpose: 'SAFEGUARDING',
    agency: 'EDUCATION',
  },
  police: {
    key: 'police',
    label: 'Police officer, Thames Valley Police',
    client: 'thames-valley-police-protection',
    user: 'harriet.coyle',
    purpose: 'SAFEGUARDING',
    agency: 'POLICE',
  },
  housingDesk: {
    key: 'housingDesk',
    label: 'Housing officer, Cherwell District Council',
    client: 'cherwell-housing-desk',
    user: 'dilys.penrose',
    purpose: 'HOUSING_DUTY',
    agency: 'DISTRICT',
  },
  provider: {
    key: 'provider',
    label: 'Caseworker, Turning Point',
    client: 'turning-point-casework',
    user: 'callum.strand',
    purpose: 'SAFEGUARDING',
    agency: 'PROVIDER',
  },
  evaluator: {
    key: 'evaluator',
    label: 'Evaluator, University of Oxford',
    client: 'oxford-university-evaluation',
    user: 'cornelius.bright',
    purpose: 'EVALUATION',
    agency: 'EVALUATOR',
  },
} as const satisfies Record<string, Persona>;
