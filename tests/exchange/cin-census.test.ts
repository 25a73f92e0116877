/** A Children in Need census comes in: what is good is in, what is bad is named by line, path and rule, and nothing of it stops the rest. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChildReport, importCensus } from '../../src/exchange/cin-census/import.ts';
import { CensusError, readCensus } from '../../src/exchange/cin-census/xml.ts';
import type { AskAs } from '../../src/exchange/record-system.ts';
import { askOf, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const sample = (name: string) => readFileSync(path.join(import.meta.dirname, 'cin', `${name}.xml`), 'utf8');
async function* pieces(text: string, size = 1 << 16): AsyncGenerator<string> {
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
}

let owner: pg.Client;
let server: TestServer;
let ask: AskAs;
beforeAll(async () => {
  const url = await ownDatabase('fsp_census');
  owner = await sqlAsOwner(url);
  server = await testServer(url);
  ask = askOf(server);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

async function imported(text: string, system = 'cin-census', asked = ask): Promise<ChildReport[]> {
  const reports: ChildReport[] = [];
  await importCensus(asked, pieces(text), system, (report) => reports.push(report));
  return reports;
}
const results = (reports: ChildReport[]) => reports.map(({ id, result }) => [id, result]);
const said = ({ faults }: ChildReport) => faults.map(({ line, path: at, rule }) => `${line} ${at} ${rule}`);
const state = async () =>
  (
    await owner.query(
      `select ${[
        'family',
        'person',
        'episode',
        'assessment',
        'assessment_factor',
        'plan',
        'section47',
        'pre_proceedings',
        'earlier',
        'person_disability',
      ]
        .map((table) => `(select count(*)::int from fsp.${table}) as ${table}`)
        .join(', ')}`,
    )
  ).rows[0];

describe('a good census', () => {
  const before: { state?: Record<string, number> } = {};
  it('builds families with what happened to their children', async () => {
    before.state = await state();
    const reports = await imported(sample('good'));
    expect(results(reports)).toEqual([
      ['OX0001', 'CREATED'],
      ['OX0002', 'CREATED'],
      ['OX0003', 'CREATED'],
    ]);
    const now = await state();
    const made = Object.fromEntries(Object.entries(now).map(([table, n]) => [table, (n as number) - (before.state?.[table] ?? 0)]));
    expect(made).toMatchObject({
      family: 3,
      person: 3,
      episode: 3,
      assessment: 1,
      assessment_factor: 2,
      plan: 2,
      section47: 1,
      person_disability: 2,
    });
    const { rows } = await owner.query(
      `select s.source_id, i.sex, i.date_of_birth::text, e.referred_on::text, e.closed_on::text from fsp.person_source s join fsp.person_identity i using (person)
       join fsp.episode e using (person) where s.system = 'cin-census' order by 1`,
    );
    expect(rows).toEqual([
      { source_id: 'OX0001', sex: 'F', date_of_birth: '2018-03-27', referred_on: '2025-10-06', closed_on: null },
      { source_id: 'OX0002', sex: 'M', date_of_birth: '2020-01-15', referred_on: '2025-06-02', closed_on: '2026-02-20' },
      { source_id: 'OX0003', sex: 'U', date_of_birth: null, referred_on: '2026-10-01', closed_on: null },
    ]);
  });
  it('a second time changes nothing', async () => {
    const then = await state();
    expect(results(await imported(sample('good'))).map(([, result]) => result)).toEqual(['UNCHANGED', 'UNCHANGED', 'UNCHANGED']);
    expect(await state()).toEqual(then);
  });
  it('a later one brings up to date what it says otherwise', async () => {
    const later = sample('good')
      .replace('2026-05-23T11:14:05', '2026-06-23T11:14:05')
      .replace(
        '<CINPlanStartDate>2025-11-12</CINPlanStartDate>',
        '<CINPlanStartDate>2025-11-12</CINPlanStartDate><CINPlanEndDate>2026-03-01</CINPlanEndDate>',
      );
    expect(results(await imported(later)).map(([, result]) => result)).toEqual(['UPDATED', 'UNCHANGED', 'UNCHANGED']);
    const old = await imported(sample('good').replace('<Ethnicity>WBRI', '<Ethnicity>WIRI'));
    expect(said(old[0] as ChildReport)).toContain('8 / OLDER_VERSION');
  });
  it('stopped at any point and run again ends as if it had not been stopped', async () => {
    const text = sample('good').replaceAll('OX000', 'ST000');
    for (const stopAfter of [1, 3, 6, 9, 13]) {
      let left = stopAfter;
      const stopping: AskAs = (query, variables) => {
        if (left-- <= 0) throw new Error('Stopped.');
        return ask(query, variables);
      };
      await expect(imported(text, 'cin-stopped', stopping)).rejects.toThrow('Stopped.');
    }
    await imported(text, 'cin-stopped');
    const { rows } = await owner.query(
      `select s.source_id, (select count(*)::int from fsp.episode e where e.person = s.person) as episodes, (select count(*)::int from fsp.plan p where p.person = s.person) as plans,
        (select count(*)::int from fsp.assessment a where a.person = s.person and a.status = 'COMPLETED') as assessments from fsp.person_source s where s.system = 'cin-stopped' order by 1`,
    );
    expect(rows).toEqual([
      { source_id: 'ST0001', episodes: 1, plans: 1, assessments: 1 },
      { source_id: 'ST0002', episodes: 1, plans: 1, assessments: 0 },
      { source_id: 'ST0003', episodes: 1, plans: 0, assessments: 0 },
    ]);
  });
});

describe('a bad census', () => {
  it('of 2026 says of each child what is wrong, by line, path and rule, and takes the rest', async () => {
    const reports = await imported(sample('bad-2026'), 'cin-bad-2026');
    expect(results(reports)).toEqual([
      ['DfEX0000001', 'CREATED'],
      ['child_fails_assessments', 'CREATED'],
    ]);
    const [first, second] = reports as [ChildReport, ChildReport];
    expect(said(first)).toEqual(
      expect.arrayContaining(
        [
          '20 /ChildIdentifiers STRAY_TEXT',
          '20 /ChildIdentifiers/UPN 1510',
          '23 /ChildIdentifiers/FormerUPN NOT_TAKEN',
          '26 /ChildIdentifiers/Sex 4180',
        ].map((each) => expect.stringMatching(new RegExp(each.replace(/^\d+/, '\\d+').replaceAll('/', '\\/')))),
      ),
    );
    expect(said(first).some((each) => each.includes('AssessmentActualStartDate') || each.includes('/Assessments'))).toBe(true);
    expect(said(second).length).toBeGreaterThan(0);
    expect((await imported(sample('bad-2026'), 'cin-bad-2026')).map(({ result }) => result)).toEqual(['UNCHANGED', 'UNCHANGED']);
  });
  it.each(['bad-2021', 'bad-2024'])('%s is no crash, and the same a second time', async (name) => {
    const first = await imported(sample(name), `cin-${name}`);
    expect(first.length).toBeGreaterThan(0);
    expect(first.flatMap(({ faults }) => faults).length).toBeGreaterThan(5);
    for (const { faults } of first)
      for (const fault of faults)
        expect(fault).toMatchObject({ line: expect.any(Number), path: expect.stringMatching(/^\//), rule: expect.stringMatching(/./) });
    expect((await imported(sample(name), `cin-${name}`)).map(({ result }) => result)).not.toContain('CREATED');
  });
  it('a child without an id, without a day of birth, or with nothing at all fails alone', async () => {
    const good =
      '<Child><ChildIdentifiers><LAchildID>A1</LAchildID><PersonBirthDate>2015-01-02</PersonBirthDate><Sex>F</Sex></ChildIdentifiers></Child>';
    const text = `<Message><Header/><Children>
<Child/>
<Child><ChildIdentifiers><LAchildID>A0</LAchildID><PersonBirthDate>2015-02-30</PersonBirthDate><Sex>F</Sex></ChildIdentifiers></Child>
<Child><ChildIdentifiers><PersonBirthDate>2015-01-02</PersonBirthDate></ChildIdentifiers><Surprise/></Child>
${good}
</Children></Message>`;
    const reports = await imported(text, 'cin-odd');
    expect(results(reports)).toEqual([
      [null, 'FAILED'],
      ['A0', 'FAILED'],
      [null, 'FAILED'],
      ['A1', 'CREATED'],
    ]);
    expect(said(reports[1] as ChildReport)).toContain('3 /ChildIdentifiers/PersonBirthDate 8525Q');
    expect(said(reports[2] as ChildReport)).toEqual(
      expect.arrayContaining(['4 /ChildIdentifiers/LAchildID 8500', '4 /Surprise UNKNOWN_ELEMENT']),
    );
  });
});

describe('a file', () => {
  const names = async (text: string, size?: number) => {
    const found: string[] = [];
    for await (const { name } of readCensus(pieces(text, size))) found.push(name);
    return found;
  };
  it('is the same wherever it is cut', async () => {
    for (const size of [1, 2, 7, 100]) expect(await names(sample('good'), size)).toEqual(['Header', 'Child', 'Child', 'Child']);
  });
  it.each([
    [
      'with a document type',
      '<!DOCTYPE Message [<!ENTITY x SYSTEM "file:///etc/passwd">]><Message><Children><Child>&x;</Child></Children></Message>',
      /^Line 1: A document type is not read\.$/,
    ],
    ['with an entity of its own', '<Message><Children>\n<Child>&boom;</Child></Children></Message>', /^Line 2: /],
    ['that breaks off', '<Message><Children><Child><ChildIdentifiers>', /^Line 1: /],
    ['that is not well-formed', '<Message><Children><Child></Children></Message>', /^Line 1: /],
    ['of another kind', '<html></html>', /no census/],
    ['that is empty', '', /empty|^Line/],
    ['that nests without end', `<Message><Children><Child>${'<a>'.repeat(50)}`, /deeper/],
    ['that nests without end outside a child', `<Message><Children>${'<a>'.repeat(50)}`, /deeper/],
    [
      'with attributes without end',
      `<Message><Children><Child ${Array.from({ length: 60 }, (_, i) => `a${i}="1"`).join(' ')}`,
      /attributes/,
    ],
    ['with one endless text', `<Message><Children><Child><a>${'x'.repeat(20_000)}`, /longer/],
    ['with one endless child', `<Message><Children><Child>${'<a/>'.repeat(6_000)}`, /more than any child/],
  ])('%s is refused with its line', async (_what, text, message) => {
    const failed = names(text);
    await expect(failed).rejects.toThrow(CensusError);
    await expect(failed).rejects.toThrow(message);
  });
  it('that breaks off has brought in what came before', async () => {
    const text = sample('good').replaceAll('OX000', 'BR000');
    const reports: ChildReport[] = [];
    const cut = text.slice(0, text.indexOf('BR0002'));
    await expect(importCensus(ask, pieces(cut), 'cin-broken', (report) => reports.push(report))).rejects.toThrow(CensusError);
    expect(results(reports)).toEqual([['BR0001', 'CREATED']]);
  });
});
