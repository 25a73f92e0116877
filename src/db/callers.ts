/** Who may ask when the product is tried out: of Oxfordshire those of the demonstration, of another authority its own. */
import type { Agency } from '../access/classes.ts';
import {
  CLIENTS,
  type ClientRow,
  COUNTY_DISCIPLINES,
  clientsOf,
  invented,
  organisationsOf,
  PERSONAS,
  type Persona,
  TEAMS,
  type TeamPractitioner,
  USERS,
  type UserRow,
} from './personas.ts';
import { type ReferenceData, readReference } from './reference.ts';

/** The authority whose organisations the demonstration's families are told with. */
export const DEMONSTRATION_AUTHORITY = 'oxfordshire';

export type Callers = {
  clients: ClientRow[];
  users: UserRow[];
  /** Everybody named in a team, by the team's code. */
  teams: Record<string, TeamPractitioner[]>;
  /** One of each agency, to begin with. */
  personas: Persona[];
  /** Those who check at these organisations who sees what; the county's first. */
  governance: Persona[];
  /** Codes of the organisations of an agency. */
  organisations: (agency: Agency) => string[];
};

/** The callers of an authority, by the name of its folder of reference data. */
export function callersOf(authority: string): Callers {
  return authority === DEMONSTRATION_AUTHORITY
    ? {
        clients: CLIENTS,
        users: USERS,
        teams: TEAMS,
        personas: Object.values(PERSONAS),
        governance: governanceOf(Object.values(PERSONAS), CLIENTS, 'gideon.marlowe'),
        organisations: (agency) => organisationsOf(agency),
      }
    : invent(readReference(authority));
}

/**
 * Who checks who sees what at the personas' organisations. Any user of an organisation works through any of its clients: outside the
 * county it is the persona.
 *
 * @param lead the county's user; absent: the county's persona.
 */
function governanceOf(personas: Persona[], clients: ClientRow[], lead?: string): Persona[] {
  return personas.flatMap((persona): Persona[] => {
    const organisation = clients.find(({ id }) => id === persona.client)?.organisation;
    const client = clients.find(({ id }) => id === `${organisation}-governance`);
    if (!client) return [];
    const user = persona.agency === 'LA' ? (lead ?? persona.user) : persona.user;
    const label = persona.agency === 'LA' ? 'Information governance lead of the county' : client.name;
    return [{ key: `${persona.key}Governance`, label, client: client.id, user, purpose: 'GOVERNANCE', agency: persona.agency }];
  });
}

/** In a team whose shape says nothing of children's workers there are these. */
const ALWAYS = ['team-manager', 'social-worker'];

/**
 * Invents callers for an authority's organisations: in each team a manager, a social worker and one of each discipline
 * of its shape, at every other body one user. The county's are those of its teams.
 */
function invent({ organisations, teams: shaped, 'team-types': types }: ReferenceData): Callers {
  let next = 0;
  const disciplinesOf = (code: string) => {
    const type = shaped.find(({ organisation }) => organisation === code)?.teamType;
    return [...new Set([...ALWAYS, ...(types.find((each) => each.code === type)?.posts.map(({ discipline }) => discipline) ?? [])])];
  };
  const ofAgency = (agency: Agency) => organisations.filter((organisation) => organisation.agency === agency);
  const teams = Object.fromEntries(
    ofAgency('TEAM').map(({ code }) => [code, disciplinesOf(code).map((discipline) => ({ ...invented(next++), discipline }))]),
  );
  const county = ofAgency('LA')[0]?.code as string;
  const people = Object.entries(teams).flatMap(([organisation, members]) => members.map((member) => ({ organisation, ...member })));
  const row = ({ organisation, subject, name }: UserRow): UserRow => ({ organisation, subject, name });
  const users: UserRow[] = [
    ...people.filter(({ discipline }) => COUNTY_DISCIPLINES.includes(discipline)).map((each) => row({ ...each, organisation: county })),
    ...people.map(row),
    ...organisations
      .filter(({ agency, parent }) => agency !== 'LA' && agency !== 'TEAM' && !(agency === 'DISTRICT' && parent === null))
      .map(({ code }) => ({ organisation: code, ...invented(next++) })),
  ];
  const clients = organisations.flatMap((organisation) => clientsOf(organisation));
  const agencies = [...new Set(organisations.map(({ agency }) => agency))];
  const personas = agencies.flatMap((agency) => {
    const body = ofAgency(agency).find(({ code }) => users.some(({ organisation }) => organisation === code));
    const client = clients.find(({ organisation }) => organisation === body?.code);
    // A practitioner rather than the manager, who is named first.
    const found = users.filter(({ organisation }) => organisation === body?.code);
    const user = found[1] ?? found[0];
    const purpose = client?.defaultPurpose;
    if (!body || !client || !user || !purpose) return [];
    return [{ key: agency, label: `${user.name}, ${body.name}`, client: client.id, user: user.subject, purpose, agency }];
  });
  return {
    clients,
    users,
    teams,
    personas,
    governance: governanceOf(personas, clients),
    organisations: (agency) => ofAgency(agency).map(({ code }) => code),
  };
}
