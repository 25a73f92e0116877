/**
 * A Children in Need census comes in, child by child, by the published commands of a record system: a child under its LAchildID, what
 * happened to it where it is not there yet. Safe to stop anywhere: what is in stays, and comes again without effect.
 */
import { createHash } from 'node:crypto';
import { upnFault } from '../../modules/person/identifiers.ts';
import type { Answered, AskAs, PushedLine } from '../record-system.ts';
import { type CensusChild, type CensusFault, censusMade, type Episode, readChild } from './child.ts';
import { type Element, readCensus } from './xml.ts';

export type ChildReport = {
  line: number;
  id: string | null;
  result: 'CREATED' | 'UPDATED' | 'UNCHANGED' | 'FAILED';
  faults: CensusFault[];
};

type Coded = { code: string } | null;
type OnRecord = {
  episodes: { id: string; person: { id: string } | null; referred: string; closed: string | null; version: number }[];
  assessments: { nodes: { id: string; person: { id: string } | null; started: string; status: string; version: number }[] };
  plans: {
    id: string;
    person: { id: string } | null;
    kind: string;
    started: string;
    ended: string | null;
    categoryOfAbuse: Coded;
    version: number;
  }[];
  sections47: { id: string; person: { id: string } | null; started: string }[];
  preProceedings: {
    id: string;
    person: { id: string } | null;
    started: string;
    letterSent: string | null;
    stepDecision: string | null;
    firstMeeting: string | null;
    reviewMeetings: number | null;
    courtApplied: string | null;
    outcome: Coded;
    version: number;
  }[];
};

const ON_RECORD = `query OnRecord($id: ID!) { family(id: $id) {
  episodes { id person { id } referred closed version }
  assessments(first: 100) { nodes { id person { id } started status version } }
  plans { id person { id } kind started ended categoryOfAbuse { code } version }
  sections47 { id person { id } started }
  preProceedings { id person { id } started letterSent stepDecision firstMeeting reviewMeetings courtApplied outcome { code } version }
} }`;

/** Where what a command finds wrong stands in the census. */
const ELEMENTS: Record<string, string> = {
  upn: 'ChildIdentifiers/UPN',
  dateOfBirth: 'ChildIdentifiers/PersonBirthDate',
  expectedDate: 'ChildIdentifiers/ExpectedPersonBirthDate',
  sex: 'ChildIdentifiers/Sex',
  sourceId: 'ChildIdentifiers/LAchildID',
  ethnicity: 'ChildCharacteristics/Ethnicity',
  disabilities: 'ChildCharacteristics/Disabilities',
  referred: 'CINreferralDate',
  source: 'ReferralSource',
  primaryNeed: 'PrimaryNeedCode',
  noFurtherAction: 'ReferralNFA',
  closed: 'CINclosureDate',
  reason: 'ReasonForClosure',
  authorisedOn: 'AssessmentAuthorisationDate',
  factors: 'FactorsIdentifiedAtAssessment',
  category: 'InitialCategoryOfAbuse',
  letterSent: 'LBPSentDate',
  stepDecision: 'StepDecisionDate',
  outcome: 'PPOutcome',
  applied: 'CourtAppDate',
};

type Problem = { code: string; message: string; path: string[]; rule: string | null };

/** By which rule of the census a value is none of its list. */
const RULES: Record<string, string> = {
  source: '8866',
  primaryNeed: '8650',
  reason: '8640',
  category: '8905',
};

const ruleOf = (rule: string | null, code: string, field: string | undefined): string =>
  rule !== null && rule !== 'INVALID' ? rule : ((field === undefined ? undefined : RULES[field]) ?? rule ?? code);

/**
 * Imports a census.
 *
 * @param told each child, when it is done.
 * @throws CensusError where the file breaks off; the children before it are in.
 */
export async function importCensus(
  ask: AskAs,
  chunks: AsyncIterable<string>,
  system: string,
  told: (report: ChildReport) => void,
): Promise<void> {
  let changed: string | null = null;
  const lists: Lists = { ethnicity: await codesOf(ask, 'ethnicity'), disability: await codesOf(ask, 'disability') };
  for await (const element of readCensus(chunks)) {
    if (element.name === 'Header') {
      changed = censusMade(element);
      continue;
    }
    told(await importChild(ask, element, system, changed ?? new Date().toISOString(), lists));
  }
}

type Lists = Record<'ethnicity' | 'disability', ReadonlySet<string>>;

async function codesOf(ask: AskAs, list: string): Promise<ReadonlySet<string>> {
  const { data } = await ask<{ codes: { code: string }[] | null }>('query Codes($list: String!) { codes(list: $list) { code } }', { list });
  return new Set((data?.codes ?? []).map(({ code }) => code));
}

/** Takes out what is no value: each costs only itself, and is missing in the same way whenever the census comes again. */
function withoutFaulty(child: CensusChild, lists: Lists, faults: CensusFault[]): void {
  const fault = (path: string, rule: string, message: string) => faults.push({ line: child.line, path, rule, message });
  const number = child.upn === null ? null : upnFault(child.upn);
  if (number) {
    fault('/ChildIdentifiers/UPN', number.rule, number.message);
    child.upn = null;
  }
  if (child.ethnicity !== null && !lists.ethnicity.has(child.ethnicity)) {
    fault('/ChildCharacteristics/Ethnicity', '4220', `${child.ethnicity} is no ethnicity of the census.`);
    child.ethnicity = null;
  }
  const none = child.disabilities.filter((code) => !lists.disability.has(code));
  if (none.length > 0) fault('/ChildCharacteristics/Disabilities', '8540', `${none.join(', ')}: no disability of the census.`);
  child.disabilities = child.disabilities.filter((code) => lists.disability.has(code));
  if (new Set(child.disabilities).size < child.disabilities.length)
    fault('/ChildCharacteristics/Disabilities', '8794', 'A disability is named twice; it is taken once.');
  child.disabilities = [...new Set(child.disabilities)];
  if (child.disabilities.includes('NONE') && child.disabilities.length > 1) {
    fault('/ChildCharacteristics/Disabilities', '8790', 'NONE stands alone; it is left out.');
    child.disabilities = child.disabilities.filter((code) => code !== 'NONE');
  }
}

async function importChild(ask: AskAs, element: Element, system: string, changed: string, lists: Lists): Promise<ChildReport> {
  const faults: CensusFault[] = [];
  const child = readChild(element, faults);
  const report = (result: ChildReport['result']): ChildReport => ({ line: child.line, id: child.id, result, faults });
  withoutFaulty(child, lists, faults);
  if (child.id === null) return report('FAILED');
  const put = await putChild(ask, child, system, changed, faults);
  if (!put) return report('FAILED');
  const { result, person, family } = put;
  let written = false;
  const write: Write = async (field, input, at) => {
    let done = await perform(ask, field, input);
    const { factors } = input as { factors?: { code: string }[] };
    const none = new Set(
      done.userErrors.flatMap(({ path, code }) =>
        path[0] === 'factors' && path[2] === 'code' && code === 'INVALID' ? [Number(path[1])] : [],
      ),
    );
    // A factor that is none costs only itself.
    if (factors && none.size > 0) {
      for (const i of none) {
        const message = `${factors[i]?.code} is no factor; it is left out.`;
        faults.push({
          line: at.line,
          path: `${at.path}/FactorsIdentifiedAtAssessment/AssessmentFactors[${i + 1}]`,
          rule: 'INVALID',
          message,
        });
      }
      done = await perform(ask, field, { ...input, factors: factors.filter((_, i) => !none.has(i)) });
    }
    for (const { path, rule, code, message } of [...done.userErrors, ...done.warnings]) {
      const named = path.find((part) => ELEMENTS[part] !== undefined);
      faults.push({ line: at.line, path: named ? `${at.path}/${ELEMENTS[named]}` : at.path, rule: ruleOf(rule, code, named), message });
    }
    if (done.id !== null) written = true;
    return done.id;
  };
  for (const episode of [...child.episodes].sort((a, b) => (a.referred < b.referred ? -1 : 1)))
    await putEpisode(ask, write, { person, family }, episode);
  faults.sort((a, b) => a.line - b.line);
  return report(result === 'UNCHANGED' && written ? 'UPDATED' : result);
}

const document = (field: string, row: string) =>
  `mutation Write($input: ${field[0]?.toUpperCase()}${field.slice(1)}Input!) { ${field}(input: $input) { ${row} { id } userErrors { code message path rule } warnings { code message path rule } } }`;

/** The field of each command's payload. */
const PAYLOAD: Record<string, string> = {
  openEpisode: 'episode',
  closeEpisode: 'episode',
  startAssessment: 'assessment',
  completeAssessment: 'assessment',
  startPlan: 'plan',
  amendPlan: 'plan',
  endPlan: 'plan',
  startSection47: 'section47',
  startPreProceedings: 'preProceedings',
  recordPreProceedings: 'preProceedings',
  recordCourtApplication: 'preProceedings',
};

const keyOf = (field: string, input: unknown): string =>
  createHash('sha256')
    .update(`cin ${field} ${Date.now()} ${JSON.stringify(input)}`)
    .digest('base64url');

/** Performs a command. Who may not is told so by an error: no child of the file could be taken. */
async function perform(
  ask: AskAs,
  field: string,
  input: Record<string, unknown>,
): Promise<{ id: string | null; userErrors: Problem[]; warnings: Problem[] }> {
  const row = PAYLOAD[field] as string;
  type Payload = { userErrors: Problem[]; warnings: Problem[] } & Record<string, { id: string } | null>;
  const { data, errors } = await ask<Record<string, Payload | null>>(document(field, row), {
    input: { ...input, idempotencyKey: keyOf(field, input) },
  });
  const done = data?.[field];
  if (!done) {
    const message = errors[0]?.message ?? 'It was refused.';
    if (errors[0]?.extensions.code !== 'BAD_USER_INPUT') throw new Error(`${field}: ${message}`);
    return { id: null, userErrors: [{ code: 'INVALID', message, path: [], rule: null }], warnings: [] };
  }
  return {
    id: done.userErrors.length > 0 ? null : ((done[row] as { id: string } | null)?.id ?? ''),
    userErrors: done.userErrors,
    warnings: done.warnings,
  };
}

type Line = PushedLine & { family: { id: string } | null };

async function push(ask: AskAs, field: string, of: string, system: string, line: unknown): Promise<Line[]> {
  const text = `mutation Put($input: ${field[0]?.toUpperCase()}${field.slice(1)}Input!) { ${field}(input: $input) {
    run { lines(first: 100) { nodes { line sourceId result record path rule message family { id } } } } userErrors { message } } }`;
  type Done = Record<string, { run: { lines: { nodes: Line[] } } | null; userErrors: { message: string }[] } | null>;
  const { data, errors }: Answered<Done> = await ask<Done>(text, { input: { idempotencyKey: keyOf(field, line), system, [of]: [line] } });
  const done = data?.[field];
  if (!done?.run) throw new Error(`${field}: ${errors[0]?.message ?? done?.userErrors[0]?.message ?? 'it was refused.'}`);
  return done.run.lines.nodes;
}

/** Puts the child on record, or brings it up to date; what of it is no value is left out, and the rest taken. */
async function putChild(
  ask: AskAs,
  child: CensusChild,
  system: string,
  changed: string,
  faults: CensusFault[],
): Promise<{ result: 'CREATED' | 'UPDATED' | 'UNCHANGED'; person: string; family: string } | null> {
  const sourceId = child.id as string;
  const said: Record<string, unknown> = {
    sourceId,
    changed,
    sex: child.born ? child.sex : 'U',
    ...(child.born ? { dateOfBirth: child.born } : {}),
    ...(child.expected ? { expectedDate: child.expected } : {}),
    ...(child.upn ? { upn: child.upn } : {}),
    ...(child.ethnicity ? { ethnicity: child.ethnicity } : {}),
    ...(child.disabilities.length > 0 ? { disabilities: child.disabilities } : {}),
  };
  for (;;) {
    let lines = await push(ask, 'upsertPersons', 'persons', system, { person: said });
    if (lines.some(({ rule, path }) => rule === 'NOT_FOUND' && path === '/person/sourceId')) {
      const members = [{ role: child.born ? 'child' : 'unborn-child', person: said }];
      lines = await push(ask, 'upsertFamilies', 'families', system, {
        sourceId: `census ${sourceId}`,
        changed,
        name: `Family of ${sourceId}`,
        members,
      });
    }
    const [first] = lines as [Line];
    const note = ({ path, rule, message }: Line) => {
      const field = (path ?? '').split('/').find((part) => ELEMENTS[part] !== undefined);
      return {
        field,
        fault: {
          line: child.line,
          path: field ? `/${ELEMENTS[field]}` : '/',
          rule: ruleOf(rule, 'INVALID', field),
          message: message ?? '',
        },
      };
    };
    const problems = lines.filter(({ message }) => message).map(note);
    if (first.result !== 'FAILED') {
      faults.push(...problems.map(({ fault }) => fault));
      const record = first.record as string;
      const person = record.startsWith('Person-') ? record : await onlyMember(ask, record);
      const family = first.family?.id;
      if (!person || !family) {
        faults.push({ line: child.line, path: '/', rule: 'NOT_FOUND', message: 'The child belongs to no family that can be seen here.' });
        return null;
      }
      return { result: first.result, person, family };
    }
    // A number that is somebody else's costs only itself; so it does when the same census comes again.
    const taken = problems.some(({ field }) => field === 'upn');
    const cameBefore = problems.some(({ fault }) => fault.rule === 'SAME_VERSION') && said.upn !== undefined;
    if (taken) faults.push(...problems.map(({ fault }) => fault));
    else if (cameBefore)
      faults.push({
        line: child.line,
        path: '/ChildIdentifiers/UPN',
        rule: 'CONFLICT',
        message: 'It was left out when this census came first.',
      });
    else {
      faults.push(...problems.map(({ fault }) => fault));
      return null;
    }
    delete said.upn;
  }
}

async function onlyMember(ask: AskAs, family: string): Promise<string | null> {
  const { data } = await ask<{ family: { members: { person: { id: string } | null }[] | null } | null }>(
    'query Member($id: ID!) { family(id: $id) { members { person { id } } } }',
    { id: family },
  );
  return data?.family?.members?.[0]?.person?.id ?? null;
}

type Write = (field: string, input: Record<string, unknown>, at: { line: number; path: string }) => Promise<string | null>;

/** Writes what of an episode is not on record yet, in the order of its days. */
async function putEpisode(ask: AskAs, write: Write, of: { person: string; family: string }, episode: Episode): Promise<void> {
  const now = async () => {
    const { data } = await ask<{ family: OnRecord | null }>(ON_RECORD, { id: of.family });
    if (!data?.family) throw new Error('A family that has just been written cannot be read.');
    return data.family;
  };
  const own = <T extends { person: { id: string } | null }>(rows: T[]) => rows.filter(({ person }) => person?.id === of.person);
  const historical = true;
  let there = await now();
  const open = own(there.episodes).find(({ referred }) => referred === episode.referred);
  if (!open) {
    const { referred, source, primaryNeed, noFurtherAction } = episode;
    const made = await write('openEpisode', { ...of, referred, source, primaryNeed, noFurtherAction, historical }, episode);
    if (made === null) return;
  }
  for (const assessment of episode.assessments) {
    const known = own(there.assessments.nodes).find(({ started }) => started === assessment.started);
    let id = known?.id ?? null;
    let version = known?.version ?? 1;
    if (!known) {
      id = await write('startAssessment', { ...of, started: assessment.started, referred: episode.referred, historical }, assessment);
      version = 1;
    }
    if (id === null || assessment.authorised === null || (known && known.status !== 'OPEN')) continue;
    const factors = assessment.factors.map(({ text }) => ({ code: text }));
    const input = { assessment: id, expectedVersion: version, authorisedOn: assessment.authorised, outcomes: ['not-stated'], historical };
    await write('completeAssessment', { ...input, factors }, assessment);
  }
  for (const plan of episode.plans) {
    const known = own(there.plans).find(({ kind, started }) => kind === plan.kind && started === plan.started);
    if (!known) {
      const category = plan.initial ?? plan.latest;
      const made = await write(
        'startPlan',
        { ...of, kind: plan.kind, started: plan.started, ...(category ? { category } : {}), historical },
        plan,
      );
      if (made === null) continue;
      there = await now();
    }
    const stands = own(there.plans).find(({ kind, started }) => kind === plan.kind && started === plan.started);
    if (!stands || stands.ended !== null) continue;
    if (plan.latest && stands.categoryOfAbuse?.code !== plan.latest) {
      await write('amendPlan', { plan: stands.id, expectedVersion: stands.version, category: plan.latest }, plan);
      there = await now();
    }
    const { version } = own(there.plans).find(({ id }) => id === stands.id) ?? stands;
    if (plan.ended)
      await write('endPlan', { plan: stands.id, expectedVersion: version, ended: plan.ended, reason: 'not-stated', historical }, plan);
  }
  for (const enquiry of episode.enquiries)
    if (!own(there.sections47).some(({ started }) => started === enquiry.started))
      await write('startSection47', { ...of, started: enquiry.started, historical }, enquiry);
  for (const proceedings of episode.proceedings) await putProceedings(now, write, of, proceedings);
  if (episode.closed || episode.reason) {
    there = await now();
    const stands = own(there.episodes).find(({ referred }) => referred === episode.referred);
    if (stands && stands.closed === null && episode.closed)
      await write(
        'closeEpisode',
        { episode: stands.id, expectedVersion: stands.version, closed: episode.closed, reason: episode.reason, historical },
        episode,
      );
  }
}

async function putProceedings(
  now: () => Promise<OnRecord>,
  write: Write,
  of: { person: string; family: string },
  said: Episode['proceedings'][number],
): Promise<void> {
  const find = async () => (await now()).preProceedings.find(({ person, started }) => person?.id === of.person && started === said.started);
  let stands = await find();
  if (!stands) {
    if ((await write('startPreProceedings', { ...of, started: said.started, historical: true }, said)) === null) return;
    stands = await find();
  }
  if (!stands) return;
  const is: Record<string, unknown> = { ...stands, outcome: stands.outcome?.code ?? null };
  // What the census says is on record, and what it does not say stays: a flag is written with the rest.
  const later = Object.entries(said.record).filter(([name, value]) => !name.startsWith('familyGroup') && is[name] !== value);
  if (later.length > 0) {
    await write(
      'recordPreProceedings',
      { preProceedings: stands.id, expectedVersion: stands.version, ...said.record, historical: true },
      said,
    );
    stands = (await find()) ?? stands;
  }
  if (said.court && stands.courtApplied === null)
    await write(
      'recordCourtApplication',
      { preProceedings: stands.id, expectedVersion: stands.version, ...said.court, historical: true },
      said,
    );
}
