/** Answers of LiquidLogic forms: what its reporting database does, and what comes of it in the Workbook. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CsvError, csvLine, readCsv } from '../../src/exchange/csv.ts';
import { type AnswerRow, readForms, safeNumber } from '../../src/exchange/liquidlogic/forms.ts';
import { fromLondon, toLondon } from '../../src/exchange/liquidlogic/london.ts';
import { mapOf, readMap } from '../../src/exchange/liquidlogic/map.ts';
import { type AskAs, type PushedLine, pushAll } from '../../src/exchange/record-system.ts';
import { askOf, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const map = readMap(mapOf('oxfordshire'));

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
const read = (rows: readonly AnswerRow[], since: string | null = null) => readForms(each(rows), map, since);

let answerId = 1000;
type Said = [question: string, answer: string, at?: string, number?: string];
/** The rows of one form about one person. */
const form = (id: string, said: Said[], more: AnswerRow = {}): AnswerRow[] =>
  said.map(([question, answer, at = '2026-10-05 14:10:00', number = '']) => ({
    FACT_FORM_ID: id,
    FACT_FORM_ANSWER_ID: String(answerId++),
    DIM_PERSON_ID: '500',
    DIM_ASSESSMENT_TEMPLATE_ID_DESC: 'Family Solutions Plus Workbook',
    DIM_ASSESSMENT_TEMPLATE_QUESTION_ID_DESC: question,
    ANSWER_NO: number,
    ANSWER: answer,
    ANSWERED_DTTM: at,
    DIM_LOOKUP_FORM_TYPE_ID_CODE: 'FSPWB',
    DIM_LOOKUP_STEP_SUBSTATUS_CODE: 'C',
    FormEndDate: '2026-10-05 15:00:00',
    ...more,
  }));
const session: Said[] = [
  ['Date of session', '2026-10-05 13:30'],
  ['Module', 'Module 2'],
  ['Worker’s name', 'Olive Penn'],
  ["Worker's discipline", 'recovery  WORKER'],
  ['Type of session', '1:1'],
  ['What we did', 'We walked through the week.'],
  ['Concerns', 'YES', undefined, '1B'],
  ['Alcohol: stage of change', 'Contemplation'],
  ['Alcohol: capacity for change, 1 to 5', ' 3.0 '],
];
const withAnswer = (question: string, answer: string, at?: string): Said[] => [
  ...session.filter(([q]) => q !== question),
  [question, answer, at],
];

describe('the seven behaviours', () => {
  it('1: boxes are rows with a code and “yes”, in whatever case; numbers may be text, and what is none costs only itself', async () => {
    const reading = { person: '500', behaviour: 'alcohol', stageOfChange: 'CONTEMPLATION', capacityForChange: 3, engagement: null };
    expect((await read(form('1', session))).entries).toMatchObject([{ discipline: 'substance-misuse', readings: [reading] }]);
    const unticked = session.map((said): Said => (said[3] === '1B' ? ['Concerns', 'no', undefined, '1B'] : said));
    expect((await read(form('1', unticked))).entries).toMatchObject([{ readings: [] }]);
    const odd = await read(form('1', withAnswer('Alcohol: capacity for change, 1 to 5', 'about three')));
    expect(odd.entries).toMatchObject([{ readings: [{ ...reading, capacityForChange: null }] }]);
    expect(odd.faults).toMatchObject([{ form: '1', path: '/readings/alcohol/capacityForChange', rule: 'NO_NUMBER' }]);
    expect(['4', ' 4 ', '4.', '4.00', '4.5', '-4', '', '1e3', '0x1', '99999999999'].map(safeNumber)).toEqual([
      4,
      4,
      4,
      4,
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it('2: of several answers the latest counts; without a day of its own a form was when it ended, else when it was answered', async () => {
    const twice = [
      ...session,
      ['What we did', 'Corrected.', '2026-10-06 09:00:00'] as Said,
      ['What we did', 'Before.', '2026-10-05 14:00:00'] as Said,
    ];
    expect((await read(form('1', twice))).entries).toMatchObject([
      { narrative: 'What we did: Corrected.'.replace('What we did: ', 'What we did: '), changed: '2026-10-06T08:00:00.000Z' },
    ]);
    const undated = session.filter(([question]) => question !== 'Date of session');
    expect((await read(form('1', undated))).entries[0]?.occurred).toBe('2026-10-05T14:00:00.000Z');
    expect((await read(form('1', undated, { FormEndDate: '' }))).entries[0]?.occurred).toBe('2026-10-05T13:10:00.000Z');
    expect((await read(form('1', withAnswer('Date of session', 'last Monday')))).faults).toMatchObject([
      { path: '/occurred', rule: 'NO_TIME' },
    ]);
  });

  it('3: ids that are given anew overnight change nothing', async () => {
    const [today, tomorrow] = [await read(form('17', session)), await read(form('99017', session))];
    expect(tomorrow.entries).toEqual(today.entries);
    const both = await read([...form('17', session), ...form('18', withAnswer('What we did', 'Later.', '2026-10-07 10:00:00'))]);
    expect(both.entries).toMatchObject([{ narrative: expect.stringContaining('Later.') }]);
    expect((await read(form('17', withAnswer('Date of session', '2026-10-12 13:30')))).entries[0]?.sourceId).not.toBe(
      today.entries[0]?.sourceId,
    );
  });

  it('4: drafts, what was cancelled, duplicates of persons and nobody are left out; columns that nobody asked for do no harm', async () => {
    for (const left of [
      { DIM_LOOKUP_STEP_SUBSTATUS_CODE: 'X' },
      { DIM_LOOKUP_STEP_SUBSTATUS_CODE: 'd ' },
      { IS_DUPLICATE: 'Y' },
      { DIM_PERSON_ID: '-1' },
    ] as AnswerRow[])
      expect(await read(form('1', session, left))).toMatchObject({ entries: [], passedOver: 1, faults: [] });
    expect((await read(form('1', session, { DOB_ESTIMATED: 'Y' }))).entries).toHaveLength(1);
    expect((await read(form('-1', session))).forms).toBe(0);
    expect(await read(form('1', session, { DIM_ASSESSMENT_TEMPLATE_ID_DESC: 'SDQ' }))).toMatchObject({ entries: [], passedOver: 1 });
    const nameless = session.filter(([question]) => question !== 'Module');
    expect(await read(form('1', nameless))).toMatchObject({ entries: [], faults: [{ path: '/module', rule: 'NOT_ANSWERED' }] });
  });

  it('5: a pull goes on from a mark, and reads again an hour that may come twice', async () => {
    const first = await read(form('1', session));
    expect(first.mark).toBe('2026-10-05T13:10:00.000');
    expect(await read(form('1', session), '2026-10-05T14:10:01')).toMatchObject({ entries: [], passedOver: 1 });
    expect((await read(form('1', session), first.mark)).entries).toHaveLength(1);
    expect((await read([], first.mark)).mark).toBe(first.mark);
  });

  it('6: which case notes are visits is the authority’s to say', async () => {
    const note: Said[] = [
      ['Date of contact', '2026-10-05'],
      ['Note', 'Saw both children.'],
    ];
    const of = (type: string) => form('1', note, { DIM_ASSESSMENT_TEMPLATE_ID_DESC: 'Case note', DIM_LOOKUP_FORM_TYPE_ID_CODE: type });
    expect((await read(of('HVIS'))).entries).toMatchObject([
      { module: 'Visit', sessionType: 'home-visit', occurred: '2026-10-04T23:00:00.000Z' },
    ]);
    expect((await read(of('TELE'))).entries).toEqual([]);
    const own = { ...map, templates: [{ ...map.templates[1], formTypes: ['TELE'] }] } as typeof map;
    expect((await readForms(each(of('TELE')), own)).entries).toHaveLength(1);
  });

  it('7: times are those of a clock in London, through both of its changes', () => {
    const moment = (text: string) => {
      const local = fromLondon(text);
      return local && [new Date(local.moment).toISOString(), local.twice];
    };
    expect(moment('2026-01-05 09:00')).toEqual(['2026-01-05T09:00:00.000Z', false]);
    expect(moment('2026-07-05T09:00:00.5')).toEqual(['2026-07-05T08:00:00.500Z', false]);
    // 29 March 2026: 00:59:59 is followed by 02:00:00.
    expect(moment('2026-03-29 00:59:59')).toEqual(['2026-03-29T00:59:59.000Z', false]);
    expect(moment('2026-03-29 01:30:00')).toEqual(['2026-03-29T01:30:00.000Z', false]);
    expect(moment('2026-03-29 02:00:00')).toEqual(['2026-03-29T01:00:00.000Z', false]);
    // 25 October 2026: 01:00:00 to 01:59:59 come twice.
    expect(moment('2026-10-25 00:59:59')).toEqual(['2026-10-24T23:59:59.000Z', false]);
    expect(moment('2026-10-25 01:30:00')).toEqual(['2026-10-25T00:30:00.000Z', true]);
    expect(moment('2026-10-25 02:00:00')).toEqual(['2026-10-25T02:00:00.000Z', false]);
    expect(['2026-02-30 10:00', '25/10/2026', '', '2026-10-25 24:00', '2026-10-25 10:61'].map(fromLondon)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it('7: in the hour that comes twice the ids tell which answer was later, and the next pull misses nothing', async () => {
    const on = (at: string): Said => ['What we did', at, `2026-10-25 ${at}`];
    const rows = form('1', [...session, on('01:50:00'), on('01:10:00')]);
    const both = await read(rows);
    expect(both.entries).toMatchObject([{ narrative: expect.stringContaining('01:10:00'), changed: '2026-10-25T01:10:00.000Z' }]);
    expect(await read([...rows].reverse())).toEqual(both);
    // Pulled after 1:50 had come for the first time: what is answered at 1:10 when it comes again is not before the mark.
    const early = await read(form('2', withAnswer('What we did', 'first', '2026-10-25 01:50:00')));
    const late = await read(form('2', withAnswer('What we did', 'second', '2026-10-25 01:10:00')), early.mark);
    expect(late.entries).toHaveLength(1);
  });
});

it('a moment and what the clock showed are one, but for the hour that comes twice', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('2015-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }), (date) => {
      const local = fromLondon(toLondon(date.getTime()));
      const apart = date.getTime() - (local?.moment ?? Number.NaN);
      expect(local?.twice ? [0, 3_600_000] : [0]).toContain(apart);
    }),
  );
});

it('rows in any order, and form ids of any kind, give the same entries', async () => {
  const rows = [
    ...form('1', session),
    ...form('2', withAnswer('Date of session', '2026-10-12 10:00'), { DIM_PERSON_ID: '501' }),
    ...form('3', [
      ...withAnswer('Module', 'Module 3'),
      ['What we agreed', 'To ring on Friday.', '2026-10-25 01:40:00'],
      ['What we agreed', 'To ring on Monday.', '2026-10-25 01:20:00'],
    ]),
  ];
  const expected = await read(rows);
  const anew = (seed: number) => (row: AnswerRow) => ({ ...row, FACT_FORM_ID: String(Number(row.FACT_FORM_ID) * seed + 7) });
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(rows, { minLength: rows.length }), fc.integer({ min: 1, max: 1e6 }), async (shuffled, seed) => {
      expect((await read(shuffled.map(anew(seed)))).entries).toEqual(expected.entries);
    }),
    { numRuns: 50 },
  );
});

describe('tables of comma-separated values', () => {
  it('come back as they were written, wherever the file is cut', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '='), maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 6 }), fc.integer({ min: 1, max: 7 }), async (table, size) => {
        const text = `\uFEFF${csvLine(['one', 'two'])}${table.map(([a, b]) => csvLine([a, `x${b}`])).join('')}`;
        const chunks = text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
        const found: unknown[] = [];
        for await (const row of readCsv(each(chunks))) found.push(row);
        expect(found).toEqual(table.map(([one, two]) => ({ one, two: `x${two}` })));
      }),
    );
  });
  it('that are none name their line', async () => {
    const all = async (text: string) => {
      for await (const _ of readCsv(each([text])));
    };
    await expect(all('a,b\n1\n')).rejects.toThrow(new CsvError('Line 2 has 1 fields; the first has 2.'));
    await expect(all('a,b\n1,"2\n')).rejects.toThrow(new CsvError('Line 2: a quote does not end.'));
    await expect(all('a,b\n1,"2"3\n')).rejects.toThrow(new CsvError('Line 2: something stands behind a closing quote.'));
  });
});

describe('in the Workbook', () => {
  let owner: pg.Client;
  let server: TestServer;
  let ask: AskAs;
  beforeAll(async () => {
    const url = await ownDatabase('fsp_liquidlogic');
    owner = await sqlAsOwner(url);
    server = await testServer(url);
    ask = askOf(server);
  });
  afterAll(async () => {
    await server.close();
    await owner.end();
  });
  const push = async (field: string, of: string, lines: unknown[]) => {
    const told: PushedLine[] = [];
    await pushAll(ask, field, of, 'liquidlogic', lines, (more) => told.push(...more));
    return told.map(({ line, result }) => [line, result]);
  };
  const count = async () =>
    (
      await owner.query(
        `select count(*)::int as n from fsp.workbook_entry e join fsp.record_source s on s.entity = 'WorkbookEntry' and s.entity_id = e.id`,
      )
    ).rows[0].n;

  it('a form is an entry; the same forms under new ids are none; a corrected answer amends it; batches are as large as a request', async () => {
    const changed = '2026-10-01T08:00:00Z';
    const person = { sourceId: '500', changed, givenName: 'Ida', familyName: 'Marsh', dateOfBirth: '1990-03-04', sex: 'F' };
    expect(
      await push('upsertFamilies', 'families', [{ sourceId: 'LL-1', changed, name: 'Marsh', members: [{ role: 'mother', person }] }]),
    ).toEqual([[1, 'CREATED']]);
    const many = Array.from({ length: 120 }, (_, i) =>
      form(
        String(i + 1),
        withAnswer(
          'Date of session',
          `2026-${String(1 + (i % 9)).padStart(2, '0')}-${String(1 + Math.floor(i / 9)).padStart(2, '0')} 10:00`,
        ),
      ),
    );
    const { entries } = await read(many.flat());
    expect(entries).toHaveLength(120);
    const first = await push('upsertWorkbookEntries', 'entries', entries);
    expect(first).toEqual(entries.map((_, i) => [i + 1, 'CREATED']));
    const anew = await read(many.flat().map((row) => ({ ...row, FACT_FORM_ID: `9${row.FACT_FORM_ID}` })));
    expect((await push('upsertWorkbookEntries', 'entries', anew.entries)).every(([, result]) => result === 'UNCHANGED')).toBe(true);
    expect(await count()).toBe(120);
    const [one] = many as [AnswerRow[]];
    const [row] = one.filter((each) => each.DIM_ASSESSMENT_TEMPLATE_QUESTION_ID_DESC === 'What we did') as [AnswerRow];
    const corrected = await read([...one, { ...row, ANSWER: 'We planned the week.', ANSWERED_DTTM: '2026-10-09 09:00:00' }]);
    expect(await push('upsertWorkbookEntries', 'entries', corrected.entries)).toEqual([[1, 'UPDATED']]);
    expect(await push('upsertWorkbookEntries', 'entries', (await read(one)).entries)).toEqual([[1, 'UNCHANGED']]);
    const { rows } = await owner.query(
      `select narrative from fsp.workbook_entry e join fsp.record_source s on s.entity_id = e.id and s.entity = 'WorkbookEntry' where s.source_id = $1`,
      [corrected.entries[0]?.sourceId],
    );
    expect(rows).toEqual([{ narrative: expect.stringContaining('We planned the week.') }]);
  });
});
