/** Before anything is measured: all servers give the same data for a sample. */
import { encodeId } from '../src/read/ids.ts';
import type { Contender } from './contenders.ts';

type Any = any;

/** Where two values of JSON differ first, in words; null where they do not. */
export function difference(a: Any, b: Any, at = ''): string | null {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object')
    return a === b ? null : `${at}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = difference(a[key] ?? null, b[key] ?? null, `${at}.${key}`);
    if (found) return found;
  }
  return null;
}

const idOf = (type: string, key: unknown) => encodeId(type, String(key));
const byText = (values: Any[]) => [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** What PostGraphile gives, in the shape of our schema. */
function familyOfPeer(family: Any): Any {
  if (!family) return null;
  const person = (key: unknown) => ({ id: idOf('Person', key) });
  const flat = {
    id: idOf('Family', family.rowId),
    reference: family.familyNameByFamily?.reference,
    name: family.familyNameByFamily?.name,
    stage: family.familyStageByFamily?.stage,
  };
  if (!('plansByFamily' in family)) return flat;
  return {
    ...flat,
    members: [...family.membershipsByFamily.nodes, ...family.unbornMembershipsByFamily.nodes].map((m: Any) => ({
      person: {
        ...person(m.person),
        ...(m.personByPerson?.personIdentityByPerson ?? { givenName: null, familyName: null, dateOfBirth: null }),
      },
      from: m.from,
    })),
    plans: family.plansByFamily.nodes.map(({ rowId, person: of, ...rest }: Any) => ({
      id: idOf('Plan', rowId),
      ...rest,
      person: person(of),
    })),
    workbook: {
      nodes: family.workbookEntriesByFamily.nodes.map((entry: Any) => ({
        id: idOf('WorkbookEntry', entry.rowId),
        module: entry.module,
        occurred: new Date(entry.occurredAt).toISOString(),
        author: entry.author,
        narrative: entry.narrative,
        readings: entry.workbookReadingsByEntryAndFamilyAndController.nodes.map(({ person: of, ...rest }: Any) => ({
          ...rest,
          person: person(of),
        })),
      })),
    },
    interventions: {
      nodes: family.interventionsByFamily.nodes.map((i: Any) => ({
        id: idOf('Intervention', i.rowId),
        programme: i.interventionLinkByInterventionAndFamilyAndPersonAndController?.programmeByProgramme ?? null,
        provider: i.interventionLinkByInterventionAndFamilyAndPersonAndController?.organisationByProvider ?? null,
        status: i.interventionProgressByIntervention?.status ?? null,
        sessions: i.interventionProgressByIntervention?.sessions ?? null,
      })),
    },
  };
}

/** The answer's data without what may differ: the order of members, and cursors. */
function normal(data: Any): Any {
  const family = (one: Any) => (one?.members ? { ...one, members: byText(one.members) } : one);
  if ('familyByRowId' in data) return { family: family(familyOfPeer(data.familyByRowId)) };
  if ('allFamilies' in data) {
    return { families: data.allFamilies.nodes.map((node: Any) => family(familyOfPeer(node))), more: data.allFamilies.pageInfo.hasNextPage };
  }
  if ('family' in data) return { family: family(data.family) };
  return { families: data.families.nodes.map(family), more: data.families.pageInfo.hasNextPage };
}

export type Ask = (contender: Contender, path: string, body: string) => Promise<string>;

/** One question of the sample: the same for all, in each one's words. */
export type Question = (contender: Contender) => { path: string; body: string };

/** @throws naming the server whose answer differs from the first's. @returns bytes of the first's answers. */
export async function verifySame(contenders: Contender[], questions: Question[], ask: Ask): Promise<number[]> {
  const bytes: number[] = [];
  for (const question of questions) {
    let first: Any = null;
    for (const contender of contenders) {
      const { path, body } = question(contender);
      const text = await ask(contender, path, body);
      const parsed = JSON.parse(text);
      if (!parsed.data || parsed.errors) throw new Error(`${contender.name}: ${text.slice(0, 500)}`);
      const data = JSON.parse(JSON.stringify(normal(parsed.data)));
      if (first === null) {
        first = data;
        bytes.push(Buffer.byteLength(text));
        continue;
      }
      const differs = difference(first, data);
      if (differs) throw new Error(`${contenders[0]?.name} and ${contender.name} answer other data. ${differs}`);
    }
    if (JSON.stringify(first).length < 200) throw new Error('The sample is empty.');
  }
  return bytes;
}
