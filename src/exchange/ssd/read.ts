/** What the Standard Safeguarding Dataset is made from: the record as the county's record system reads it, family by family. */
import type { AskAs } from '../record-system.ts';

/** A value of a code list, and from when until when it is one. */
export type Code = { code: string; label: string; validFrom: string; validTo: string | null } | null;
type Of = { id: string } | null;

export type Person = {
  id: string;
  givenName: string | null;
  familyName: string | null;
  dateOfBirth: string | null;
  expectedDate: string | null;
  sex: Code;
  ethnicity: Code;
  nhsNumber: string | null;
  upn: string | null;
  disabilities: { disability: Code }[] | null;
  recordIds: { system: string; sourceId: string }[] | null;
};

export type Visit = {
  id: string;
  person: Of;
  kind: string;
  plan: Of;
  placement: Of;
  visited: string;
  seen: boolean | null;
  seenAlone: boolean | null;
  bedroomSeen: boolean | null;
};

export type Family = {
  id: string;
  reference: string | null;
  recordIds: { nodes: { system: string; entity: string; sourceId: string }[] } | null;
  team: { code: string; name: string } | null;
  leadPractitioner: { practitioner: string | null; organisation: { code: string } | null } | null;
  members: { role: Code; from: string | null; until: string | null; person: Person | null }[] | null;
  households:
    | {
        address: string | null;
        postcode: string | null;
        uprn: string | null;
        members: { person: Of; from: string; until: string | null }[] | null;
      }[]
    | null;
  involvements:
    | {
        id: string;
        organisation: { code: string; name: string } | null;
        role: Code;
        practitioner: string | null;
        person: Of;
        from: string;
        until: string | null;
      }[]
    | null;
  episodes:
    | {
        id: string;
        person: Of;
        referred: string;
        source: Code;
        primaryNeed: Code;
        noFurtherAction: boolean;
        closed: string | null;
        closureReason: Code;
      }[]
    | null;
  plans:
    | {
        id: string;
        person: Of;
        kind: string;
        started: string;
        ended: string | null;
        endReason: Code;
        categoryOfAbuse: Code;
        initialCategoryOfAbuse: Code;
        previousPlans: number | null;
        reviews:
          | { due: string | null; held: string | null; quorate: boolean | null; participation: Code; continues: boolean | null }[]
          | null;
      }[]
    | null;
  sections47:
    | {
        id: string;
        person: Of;
        started: string;
        ended: string | null;
        conferenceNotRequired: boolean | null;
        conferenceTarget: string | null;
        conferenceOn: string | null;
        outcome: Code;
      }[]
    | null;
  conferences: { id: string; person: Of; kind: string; section47: Of; target: string | null; held: string | null; outcome: Code }[] | null;
  preProceedings:
    | {
        id: string;
        person: Of;
        started: string;
        letterSent: string | null;
        firstMeeting: string | null;
        reviewMeetings: number | null;
        stepDecision: string | null;
        outcome: Code;
        courtApplied: string | null;
      }[]
    | null;
  placements:
    | {
        id: string;
        person: Of;
        legalStatus: Code;
        placementType: Code;
        started: string;
        lookedAfterSince: string | null;
        ended: string | null;
        changeReason: Code;
        postcode: string | null;
      }[]
    | null;
  assessments: Paged<{
    id: string;
    person: Of;
    started: string;
    authorisedOn: string | null;
    findings: { childSeen: boolean | null; outcomes: { outcome: Code }[] | null; factors: { factor: Code }[] | null } | null;
  }>;
  contacts: Paged<{ id: string; receivedOn: string; source: Code; outcome: Code; children: { person: Of }[] | null }>;
  visits: Paged<Visit>;
};

type Paged<T> = { nodes: T[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } | null;

const CODE = '{ code label validFrom validTo }';
const PAGE = 'pageInfo { hasNextPage endCursor }';
const PARTS = {
  assessments: `{ id person { id } started authorisedOn findings { childSeen outcomes { outcome ${CODE} } factors { factor ${CODE} } } }`,
  contacts: `{ id receivedOn source ${CODE} outcome ${CODE} children { person { id } } }`,
  visits: '{ id person { id } kind plan { id } placement { id } visited seen seenAlone bedroomSeen }',
} as const;
type PartName = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as PartName[];

const DOCUMENT = `query StandardSafeguardingDataset($after: String) {
  families(first: 10, after: $after) {
    nodes {
      id reference recordIds(first: 20) { nodes { system entity sourceId } } team { code name } leadPractitioner { practitioner organisation { code } }
      members { role ${CODE} from until person {
        id givenName familyName dateOfBirth expectedDate sex ${CODE} ethnicity ${CODE} nhsNumber upn disabilities { disability ${CODE} } recordIds { system sourceId }
      } }
      households { address postcode uprn members { person { id } from until } }
      involvements { id organisation { code name } role ${CODE} practitioner person { id } from until }
      episodes { id person { id } referred source ${CODE} primaryNeed ${CODE} noFurtherAction closed closureReason ${CODE} }
      plans { id person { id } kind started ended endReason ${CODE} categoryOfAbuse ${CODE} initialCategoryOfAbuse ${CODE} previousPlans
        reviews { due held quorate participation ${CODE} continues } }
      sections47 { id person { id } started ended conferenceNotRequired conferenceTarget conferenceOn outcome ${CODE} }
      conferences { id person { id } kind section47 { id } target held outcome ${CODE} }
      preProceedings { id person { id } started letterSent firstMeeting reviewMeetings stepDecision outcome ${CODE} courtApplied }
      placements { id person { id } legalStatus ${CODE} placementType ${CODE} started lookedAfterSince ended changeReason ${CODE} postcode }
      ${NAMES.map((name) => `${name}(first: 20) { nodes ${PARTS[name]} ${PAGE} }`).join('\n      ')}
    }
    ${PAGE}
  }
}`;

const more = (name: PartName) =>
  `query StandardSafeguardingDatasetMore($id: ID!, $after: String) { family(id: $id) { ${name}(first: 100, after: $after) { nodes ${PARTS[name]} ${PAGE} } } }`;

/**
 * Reads the families that the asker sees, in the order of their ids, each whole.
 *
 * @param refused told of each field that the asker may not read, once.
 */
export async function* readFamilies(ask: AskAs, refused: (field: string) => void): AsyncGenerator<Family> {
  const told = new Set<string>();
  const asked = async <Data>(document: string, variables: Record<string, unknown>): Promise<Data> => {
    const { data, errors } = await ask<Data>(document, variables);
    for (const { message, extensions } of errors) {
      if (extensions.code !== 'FORBIDDEN') throw new Error(message);
      const field = extensions.field ?? message;
      if (!told.has(field)) refused(field);
      told.add(field);
    }
    if (!data) throw new Error('There was no answer.');
    return data;
  };
  let after: string | null = null;
  for (;;) {
    type Page = { families: Paged<Family> };
    const { families }: Page = await asked<Page>(DOCUMENT, { after });
    if (!families) throw new Error('The families cannot be read.');
    for (const family of families.nodes) {
      for (const name of NAMES) {
        for (let part = family[name]; part?.pageInfo.hasNextPage; part = family[name]) {
          type Part = { family: Family | null };
          const next: Part = await asked<Part>(more(name), { id: family.id, after: part.pageInfo.endCursor });
          const rest = next.family?.[name];
          // Closed to the asker since: what was read of it stands, as of a moment ago.
          if (!rest) break;
          (family as Record<PartName, unknown>)[name] = { nodes: [...part.nodes, ...rest.nodes], pageInfo: rest.pageInfo };
        }
      }
      yield family;
    }
    if (!families.pageInfo.hasNextPage) return;
    after = families.pageInfo.endCursor;
  }
}
