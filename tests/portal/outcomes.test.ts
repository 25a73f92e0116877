/** The pictures of the outcome framework in a browser: what they show is what the client is answered, with the table behind it, and no more. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import type pg from 'pg';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_BUDGET } from '../../src/access/budget.ts';
import { readCsv } from '../../src/exchange/csv.ts';
import { countFigures } from '../../src/outcome/count.ts';
import { publishEdition, quarterBefore } from '../../src/outcome/edition.ts';
import { demonstrationOutcomeReaders } from '../../src/portal/demonstration.ts';
import { ofSteps } from '../../src/portal/outcome-pictures.ts';
import { csvOf } from '../../src/portal/outcomes.ts';
import { bars, flow, type Link, lines } from '../../src/portal/pictures.ts';
import { chromiumPath } from '../support/chromium.ts';
import { ownDatabase, PERSONAS, type PersonaName, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const today = new Date().toISOString().slice(0, 10);
const asAt = quarterBefore(today);
const ODD = '=1+1 <b>Oxford</b> & "more"';
const OXFORD = 'E07000178';
const WITHHELD = 'withheld (small figures)';
const html = { accept: 'text/html,application/xhtml+xml' };

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let browser: Browser;
let context: BrowserContext;
let origin: string;
let unpublished: string;
const asked: string[] = [];
const said: string[] = [];

const get = async (url: string, who: PersonaName = 'police') =>
  server.app.inject({ url, headers: { authorization: `Bearer ${await server.token(who)}` } });

beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_outcomes_page', true);
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  unpublished = (await get('/outcomes')).body;
  await owner.query('update fsp.district set name = $1 where code = $2', [ODD, OXFORD]);
  await owner.query(`update fsp.outcome_indicator set name = $1 where code = 'open-cases'`, [ODD]);
  // Steps of two years that are over: one of which all are of many children, and one of which some are of few.
  const latest = Number(asAt.slice(0, 4)) - 1;
  for (const table of ['step_evidence', 'step_reason', 'step_event']) await owner.query(`delete from fsp.${table}`);
  for (const [year, direction, from, to, children] of [
    [latest, 'UP', 'CHILD_IN_NEED', 'CHILD_PROTECTION', 40],
    [latest, 'UP', null, 'CHILD_IN_NEED', 33],
    [latest, 'DOWN', 'CHILD_PROTECTION', 'CHILD_IN_NEED', 21],
    [latest - 1, 'UP', 'CHILD_IN_NEED', 'CHILD_PROTECTION', 30],
    [latest - 1, 'UP', 'CHILD_PROTECTION', 'LOOKED_AFTER', 3],
  ] as const)
    await owner.query(
      `insert into fsp.step_event (family, person, controller, direction, "from", "to", stepped_on)
       select family, person, (select id from fsp.organisation where code = 'occ'), $1, $2, $3, $4 from fsp.membership where role = 'child' order by id limit $5`,
      [direction, from, to, `${year}-12-01`, children],
    );
  await countFigures(owner, today, { since: '2022-04-01' });
  // A larger county: of a small one nearly everything is withheld.
  await owner.query(
    `update fsp.figure_exact set numerator = numerator * 20, denominator = denominator * 20,
     behind = array(select 20 * b from unnest(behind) b) where indicator in
     (select id from fsp.outcome_indicator where code in ('open-cases', 'protection-plans', 'repeat-referrals', 'one-worker'))`,
  );
  await owner.query(
    `insert into fsp.indicator_target (indicator, area, starts, ends, value)
     select id, null, '2022-04-01', '2036-03-31', 640 from fsp.outcome_indicator where code = 'protection-plans'`,
  );
  await publishEdition(owner, asAt, 'of the test');
  origin = await server.listen({ host: '127.0.0.1', port: 0 });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
  context = await browser.newContext({ extraHTTPHeaders: { authorization: `Bearer ${await server.token('police')}` } });
}, 400_000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await owner?.end();
});

const open = async (path: string, into: BrowserContext = context): Promise<Page> => {
  const page = await into.newPage();
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
  expect((await page.goto(`${origin}${path}`))?.status()).toBe(200);
  return page;
};

type Shown = { name: string; title: string; alt: string; caption: string; head: string[]; rows: string[][] };

/** Every picture of a page, with its table. */
const picturesOf = (page: Page): Promise<Shown[]> =>
  page.evaluate(`[...document.querySelectorAll('figure')].map((figure) => ({
    name: figure.querySelector('h3, h4').id.replace('picture-', ''),
    title: figure.querySelector('h3, h4').textContent,
    alt: figure.querySelector('img').alt,
    caption: figure.querySelector('figcaption').textContent,
    head: [...figure.querySelectorAll('thead th')].map((cell) => cell.textContent),
    rows: [...figure.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent)),
  }))`) as Promise<Shown[]>;

const CHOICES = ['', '?period=QUARTER', '?period=YEAR', `?district=${OXFORD}`];

describe.each(CHOICES)('/outcomes%s', (choice) => {
  it('runs nothing, and names each picture, its sentence and its table', async () => {
    const page = await open(`/outcomes${choice}`);
    expect(await page.locator('script').count()).toBe(0);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.title()).toBe(await page.locator('h1').innerText());
    for (const within of ['figcaption', 'img[alt]', 'details summary', 'details table caption', 'a[href*=".svg"]', 'a[href*=".csv"]'])
      expect(await page.locator(`figure:not(:has(${within}))`).count(), within).toBe(0);
    for (const [each, within] of [
      ['table', 'thead th[scope=col]'],
      ['tbody tr', 'th[scope=row]'],
    ] as const)
      expect(await page.locator(`${each}:not(:has(${within}))`).count(), `${each} without ${within}`).toBe(0);
    const broken = await page.evaluate(
      `[...document.images].filter((image) => !image.complete || image.naturalWidth < 400).map(({ alt }) => alt)`,
    );
    expect(broken).toEqual([]);
    expect(await page.evaluate(`[...document.querySelectorAll('td')].filter((cell) => cell.textContent.trim() === '').length`)).toBe(0);
    const ids = (await page.evaluate(`[...document.querySelectorAll('[id]')].map(({ id }) => id)`)) as string[];
    expect(new Set(ids).size).toBe(ids.length);
    const levels = (await page.evaluate(
      `[...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]))`,
    )) as number[];
    expect(levels.filter((level, i) => level > (levels[i - 1] ?? 0) + 1)).toEqual([]);
    await page.close();
  }, 60_000);

  it('axe finds nothing serious', async () => {
    const page = await open(`/outcomes${choice}`);
    await page.evaluate(`document.querySelectorAll('details').forEach((each) => (each.open = true));
      document.querySelectorAll('tbody').forEach((body) => [...body.rows].slice(2).forEach((row) => row.remove()))`);
    await page.evaluate(axe);
    const found = (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] })`)) as { violations: any[] };
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.length}, ${nodes[0]?.html}`)).toEqual([]);
    await page.close();
  }, 120_000);
});

describe('a reader', () => {
  it('reaches every table and link by keyboard, in the order of the page', async () => {
    const page = await open('/outcomes');
    await page.evaluate(
      `document.querySelectorAll('figure').forEach((figure, i) => { if (i > 2) figure.querySelectorAll('tr').forEach((row) => row.remove()) })`,
    );
    const wanted = (await page.evaluate(
      `[...document.querySelectorAll('a[href], select, button, summary, .table')].map((each, i) => (each.setAttribute('data-at', i), i))`,
    )) as number[];
    const reached: number[] = [];
    for (let i = 0; i < wanted.length; i++) {
      await page.keyboard.press('Tab');
      const at = (await page.evaluate(`[Number(document.activeElement.dataset.at), document.activeElement.tagName]`)) as [number, string];
      reached.push(at[0]);
      if (at[1] === 'SUMMARY') await page.keyboard.press('Enter');
    }
    expect(reached).toEqual(wanted);
    expect(await page.locator('details:not([open])').count()).toBe(0);
    await page.close();
  }, 120_000);

  it('needs no scripts, chooses by a form, and reads at twice the size and on paper', async () => {
    const plain = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: 640, height: 512 },
      extraHTTPHeaders: { authorization: `Bearer ${await server.token('police')}` },
    });
    const page = await plain.newPage();
    await page.goto(`${origin}/outcomes`);
    await page.getByLabel('Period').selectOption({ label: '24 quarters' });
    await page.getByLabel('District', { exact: true }).selectOption({ label: 'Cherwell' });
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('by quarter', { exact: false }).first().waitFor();
    expect(new URL(page.url()).search).toContain('period=QUARTER');
    expect(await page.locator('figcaption').first().innerText()).toContain('of Cherwell');
    expect(await page.getByLabel('Period').inputValue()).toBe('QUARTER');
    // Twice the size is half the width: nothing is beside the page.
    const narrow = await page.evaluate('[document.documentElement.scrollWidth, document.documentElement.clientWidth]');
    expect((narrow as number[])[0]).toBeLessThanOrEqual((narrow as number[])[1] as number);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('nav').first().isVisible()).toBe(false);
    expect(await page.locator('figure table').first().isVisible()).toBe(true);
    expect((await page.pdf({ preferCSSPageSize: true })).subarray(0, 5).toString()).toBe('%PDF-');
    await plain.close();
  }, 60_000);
});

const FIGURES = `from to first value numerator denominator marker target yearBefore changePercent`;
const SERIES = `query($by: [Breakdown!], $period: Period!, $from: Date, $to: Date) { outcomeIndicators(first: 60) { nodes { code kind period
  series(by: $by, period: $period, from: $from, to: $to) { ${FIGURES} } } } }`;

const seen = (text: string | undefined) => (text ?? '').replace(/(?<=\d),(?=\d)/g, '');
const wordOf = (marker: string | null) => (marker === 'c' ? WITHHELD : marker === 'z' ? 'nothing to work out' : 'not known');

describe('a table', () => {
  it('is what the client is answered', async () => {
    const lengths = ['MONTH', 'QUARTER', 'YEAR'];
    const back = { MONTH: 24, QUARTER: 72, YEAR: 120 };
    for (const [period, district] of [
      ['MONTH', ''],
      ['QUARTER', ''],
      ['YEAR', ''],
      ['MONTH', OXFORD],
    ] as const) {
      const page = await open(`/outcomes?period=${period}&district=${district}`);
      const shown = new Map((await picturesOf(page)).map((picture) => [picture.name, picture]));
      const without = await page.locator('main').innerText();
      await page.close();
      const answers = new Map<string, any[]>();
      for (const length of lengths.slice(lengths.indexOf(period))) {
        const months = length === 'YEAR' ? 120 : back[period];
        const from = new Date(Date.UTC(Number(asAt.slice(0, 4)), Number(asAt.slice(5, 7)) - months, 1)).toISOString().slice(0, 10);
        const { body } = await server.ask('police', SERIES, { by: district === '' ? [] : ['DISTRICT'], period: length, from, to: asAt });
        for (const { code, period: own, series, kind } of body.data.outcomeIndicators.nodes)
          if (lengths.indexOf(own) === lengths.indexOf(length) || (length === period && lengths.indexOf(own) < lengths.indexOf(period)))
            answers.set(code, [kind, ...series.filter(({ first }: any) => first === district)]);
      }
      expect(answers.size).toBeGreaterThan(25);
      let drawn = 0;
      for (const [code, [kind, ...figures]] of answers) {
        const picture = shown.get(`framework-${code}`);
        if (!picture) {
          expect(
            figures.every(({ value, marker }) => value === null && marker !== 'c'),
            code,
          ).toBe(true);
          continue;
        }
        drawn++;
        expect(without).toContain(picture.title);
        const number = (value: string | null, words: string) => value ?? words;
        expect(
          picture.rows.map(([, ...cells]) => cells.map(seen)),
          `${code} ${period}`,
        ).toEqual(
          figures.map((figure) => [
            number(figure.value, wordOf(figure.marker)),
            ...(kind === 'COUNT'
              ? []
              : [number(figure.numerator, wordOf(figure.marker)), number(figure.denominator, wordOf(figure.marker))]),
            number(figure.target, 'no target'),
            number(figure.yearBefore, 'not shown'),
            number(figure.changePercent, 'not shown'),
          ]),
        );
        const hidden = figures.filter(({ marker }) => marker === 'c').length;
        if (hidden > 0) expect(picture.caption).toContain(`withheld: ${hidden} of ${figures.length} figures.`);
      }
      expect(drawn).toBeGreaterThan(5);
    }
  }, 120_000);

  it('has the trajectories and the trio as the papers print them, and goes on with what is counted here', async () => {
    const page = await open('/outcomes');
    const shown = new Map((await picturesOf(page)).map((picture) => [picture.name, picture]));
    await page.close();
    const { body } = await server.ask(
      'police',
      `{ trajectories { measure continuedBy points { at asIs fsm1 fsm2 target adjustedTarget actual marker computed } } triggerTrioNeed { concern name value pictured }
         indicator(code: "protection-plans") { series(period: MONTH, from: "2021-07-01") { to value marker } } }`,
    );
    const day = (text: string) =>
      new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(text));
    for (const { measure, points } of body.data.trajectories) {
      const picture = shown.get(`trajectory-${measure.toLowerCase().replaceAll('_', '-')}`) as Shown;
      for (const { at, marker, computed, ...numbers } of points) {
        const row = picture.rows.find(([first]) => first === day(at)) as string[];
        const isOwn = marker !== null || computed.includes('actual');
        const printed = Object.values({ ...numbers, actual: isOwn ? null : numbers.actual }).map((value) => value ?? 'not printed');
        expect(row.slice(1, 8).map(seen)).toEqual([...printed, isOwn ? (numbers.actual ?? wordOf(marker)) : 'not counted'].map(String));
      }
    }
    const plans = shown.get('trajectory-protection-plans') as Shown;
    const counted = body.data.indicator.series;
    expect(counted.some(({ value }: any) => Number(value) > 100)).toBe(true);
    for (const { to, value, marker } of counted)
      expect(seen(plans.rows.find(([first]) => first === day(to))?.[7])).toBe(value ?? wordOf(marker));
    const trio = ['trio-parental-mental-health', 'trio-substance-misuse', 'trio-domestic-abuse'].flatMap(
      (name) => shown.get(name)?.rows ?? [],
    );
    const printed = body.data.triggerTrioNeed.filter(({ pictured }: any) => pictured);
    expect(
      trio
        .map(([, , value]) => seen(value))
        .filter((value) => value !== 'not printed')
        .sort(),
    ).toEqual(printed.map(({ value }: any) => String(value)).sort());
    expect(
      shown.get('trio-parental-mental-health')?.rows.find(([place, what]) => place === 'Cherwell' && what?.startsWith('Known'))?.[2],
    ).toBe('not printed');
  });

  it('has the steps of the latest year; of a year of which some are small, none is told', async () => {
    const series = 'series(by: [FLOW], period: YEAR) { from first value marker }';
    const { body } = await server.ask(
      'police',
      `{ up: indicator(code: "step-up") { ${series} } down: indicator(code: "step-down") { ${series} } }`,
    );
    const of = (way: 'up' | 'down', year: number) =>
      body.data[way].series.filter(({ from, marker }: any) => from.startsWith(`${year}-04`) && marker !== 'z');
    const latest = Number(asAt.slice(0, 4)) - 1;
    const before = of('up', latest - 1);
    expect(before.length).toBeGreaterThan(1);
    for (const { value, marker } of before) expect({ value, marker }).toEqual({ value: null, marker: 'c' });
    const steps = [...of('up', latest), ...of('down', latest)];
    const page = await open('/outcomes');
    const picture = (await picturesOf(page)).find(({ name }) => name === 'flow') as Shown;
    await page.close();
    expect(picture.rows.map(([, , , value]) => seen(value))).toEqual(steps.map(({ value, marker }) => value ?? wordOf(marker)));
    expect(picture.rows.map((row) => row.slice(0, 3))).toContainEqual(['No plan', 'Child in need', 'up']);
    const shown = steps.filter(({ value }) => Number(value) > 0);
    expect(shown.length).toBe(3);
    const { body: svg } = await get('/outcomes/flow.svg');
    for (const { value } of shown) expect(svg).toMatch(new RegExp(`(?:up|down) ${value}<`));
  });

  it('is kept as a file: numbers stay numbers, and nothing is a formula', async () => {
    const { headers, body } = await get('/outcomes/trio-parental-mental-health.csv');
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(headers['content-disposition']).toBe('attachment; filename="trio-parental-mental-health.csv"');
    const rows: Record<string, string>[] = [];
    for await (const row of readCsv(Readable.from([body]))) rows.push(row);
    expect(rows[0]).toMatchObject({ Place: 'Whole county', Number: '78099' });
    expect(new Set(rows.map(({ Place }) => Place))).toContain(`'${ODD}`);
    const odd = ['=1', '+1', '-1', '@a', '\tx', '\rx', 'plain'];
    expect(csvOf({ head: odd, rows: [['-2', { number: '-2' }]] })).toBe(`'=1,'+1,'-1,'@a,'\tx,"'\rx",plain\r\n'-2,-2\r\n`);
  });
});

describe('what is withheld', () => {
  it('is in no page, picture or file of anybody', async () => {
    // What nobody could have by chance stands in the place of every exact figure that is withheld.
    await owner.query(
      `update fsp.figure_exact x set value = 70000000 + x.id, numerator = 71000000 + x.id, denominator = 72000000 + x.id, units = 73000000 + x.id
       from fsp.figure f where f.id = x.id and f.marker = 'c'`,
    );
    const { rows: exact } = await owner.query<{ value: string; numerator: string }>(
      `select value::text, numerator::text from fsp.figure_exact where value > 70000000`,
    );
    expect(exact.length).toBeGreaterThan(500);
    const who: PersonaName[] = ['police', 'housingDesk', 'evaluator', 'socialWorker'];
    let files = 0;
    let words = 0;
    for (const [i, choice] of [...CHOICES, `?period=YEAR&district=E07000177`].entries()) {
      const reader = who[i % who.length] as PersonaName;
      const page = (await get(`/outcomes${choice}`, reader)).body;
      const all = [page.replace(/base64,[\w+/=]+/g, (data) => Buffer.from(data.slice(7), 'base64').toString())];
      for (const [, link] of page.matchAll(/href="(\/outcomes\/[^"]+\.(?:svg|csv)[^"]*)"/g)) {
        if (i > 0 && !link?.includes('.csv')) continue;
        const { statusCode, body } = await get((link as string).replaceAll('&amp;', '&'), reader);
        expect(statusCode, link).toBe(200);
        all.push(body);
        files++;
        if (!link?.includes('framework')) continue;
        for (const line of body.split('\r\n').filter((each) => each.includes(WITHHELD))) {
          words++;
          // Period, value and, where there are some, numerator and denominator: of what is withheld nothing is there.
          const [, ...cells] = line.split(',');
          expect(
            cells.slice(0, cells.indexOf('no target') < 0 ? 1 : cells.indexOf('no target')).filter((cell) => /\d/.test(cell)),
            line,
          ).toEqual([]);
        }
      }
      const numbers = new Set(all.flatMap((text) => text.replaceAll(/(?<=\d),(?=\d{3})/g, '').match(/\d{8,}/g) ?? []));
      expect(exact.filter(({ value, numerator }) => numbers.has(value) || numbers.has(numerator))).toEqual([]);
    }
    expect(files).toBeGreaterThan(100);
    expect(words).toBeGreaterThan(200);
  }, 120_000);

  it('is a gap in the line and a hatch with a word, and no point of it is drawn', async () => {
    const values = [12, null, 14, 15];
    const of = { title: 'A', unit: 'u', at: ['a', 'b', 'c', 'd'], days: false, band: null, fromZero: true, whole: true, wide: false };
    const svg = await lines({ ...of, lines: [{ name: 'Figure', look: 'figure', values }], withheld: [1] });
    const whole = await lines({ ...of, lines: [{ name: 'Figure', look: 'figure', values: [12, 13, 14, 15] }], withheld: [] });
    expect(svg).toContain('<pattern');
    expect(svg).toMatch(/>withheld</);
    expect(whole).not.toContain('<pattern');
    const points = (text: string) => text.match(/<path d="M1 0A1 1/g)?.length ?? 0;
    expect([points(svg), points(whole)]).toEqual([3, 4]);
  });
});

describe('a picture', () => {
  const LINKS: Link[] = [
    { from: 'Child in <need>', to: 'Protection', direction: 'UP', value: 40 },
    { from: 'Protection', to: 'Child in <need>', direction: 'DOWN', value: 1033 },
    { from: 'Protection', to: 'Looked after', direction: 'UP', value: null },
  ];
  it('is a whole SVG with its name, in which every text stays text', async () => {
    const drawn = [
      await flow({ title: ODD, unit: ODD, links: LINKS }),
      await bars({
        title: ODD,
        unit: ODD,
        groups: [ODD, 'b'],
        bars: [
          { name: ODD, values: [1, null] },
          { name: 'two', values: [3, 4] },
        ],
      }),
      await lines({
        title: ODD,
        unit: ODD,
        at: ['2024-03-31', '2026-09-30'],
        days: true,
        lines: [
          { name: ODD, look: 'printed', values: [1, 2] },
          { name: 'b', look: 'meant', values: [2, 2] },
        ],
        withheld: [1],
        band: { name: ODD, low: 1, high: 2 },
        fromZero: false,
        whole: true,
        wide: true,
      }),
      (await get('/outcomes/framework-open-cases.svg')).body,
    ];
    const page = await context.newPage();
    for (const svg of drawn) {
      const read = (await page.evaluate(
        `(() => { const parsed = new DOMParser().parseFromString(${JSON.stringify(svg)}, 'image/svg+xml');
          return { faults: parsed.querySelectorAll('parsererror, script, b, foreignObject, image, a, animate').length, title: parsed.querySelector('title')?.textContent,
            handlers: [...parsed.querySelectorAll('*')].flatMap((each) => [...each.attributes]).filter(({ name }) => /^on|href/.test(name)).length }; })()`,
      )) as { faults: number; title: string; handlers: number };
      expect(read).toEqual({ faults: 0, title: ODD, handlers: 0 });
    }
    await page.close();
  });
  it('of steps has a band for each way, what is withheld in words, and the same in its table', async () => {
    const picture = ofSteps(LINKS, '2025/26', 'the whole county');
    expect(picture.caption).toBe('Steps up and down of the whole county, 2025/26: at least 40 up and 1,033 down; withheld: 1 of 3 ways.');
    expect(picture.rows.map(([, , way, steps]) => [way, steps])).toEqual([
      ['up', { number: '40' }],
      ['down', { number: '1033' }],
      ['up', WITHHELD],
    ]);
    const svg = await picture.draw();
    expect(svg).toContain('▲ up 40');
    expect(svg).toContain('▼ down 1,033');
    expect(svg).toContain('withheld and not drawn: 1 of 3 ways');
    expect(svg).not.toContain('Looked after');
  });
  it('tells by dash and mark what it tells by colour', async () => {
    const at = ['a', 'b'];
    const looks = ['printed', 'meant', 'adjusted', 'unchanged', 'model', 'modelFree'] as const;
    const svg = await lines({
      title: 'T',
      unit: 'u',
      at,
      days: false,
      lines: looks.map((look, i) => ({ name: look, look, values: [i, i + 1] })),
      withheld: [],
      band: null,
      fromZero: true,
      whole: true,
      wide: true,
    });
    const dashes = [...svg.matchAll(/stroke-dasharray="([^"]+)"/g)].map(([, dash]) => dash);
    expect(new Set(dashes).size).toBe(looks.length - 1);
    for (const look of looks) expect(svg).toContain(`>${look}<`);
  });
  it('is kept as a file that runs nothing', async () => {
    const { headers, body } = await get('/outcomes/framework-protection-plans.svg?period=QUARTER');
    expect(headers['content-type']).toBe('image/svg+xml; charset=utf-8');
    expect(headers['content-disposition']).toBe('attachment; filename="framework-protection-plans.svg"');
    expect(headers['content-security-policy']).toContain('sandbox');
    expect(body).toMatch(/^<svg [^>]*role="img" aria-label="/);
  });
});

describe('a request', () => {
  it('that is not understood is told what is wrong, in a page', async () => {
    for (const [query, words] of [
      ['period=WEEK', 'The period is one of MONTH, QUARTER, YEAR.'],
      ['period=MONTH&period=YEAR', 'period is given more than once.'],
      ['district=Oxford', 'A district is named by its ONS code'],
      ['district=E07999999', 'There is no district of this code.'],
      ['until=2026-02', 'Until names the last month of a quarter'],
      ['until=1999-03', 'Until names the last month of a quarter'],
      ['team=team-07', 'This page has no such parameter; it has period, district, until, as.'],
      ['period=<script>alert(1)</script>', 'The period is one of'],
    ] as const)
      for (const path of ['/outcomes', '/outcomes/framework-open-cases.csv']) {
        const { statusCode, body, headers } = await get(`${path}?${encodeURI(query)}`);
        expect([statusCode, headers['content-type']], query).toEqual([400, 'text/html; charset=utf-8']);
        expect(body).toContain(words);
        expect(body).not.toContain('<script');
      }
    for (const file of ['no-such.svg', 'framework-open-cases.png', 'constructor.csv', '..%2Fsharing.svg', 'trio-flow.svg'])
      expect((await get(`/outcomes/${file}`)).statusCode, file).toBe(404);
  });
  it('without a token is refused: a person in a page, a program in JSON', async () => {
    for (const url of ['/outcomes', '/outcomes/framework-open-cases.csv', '/outcomes?as=occ-analyst']) {
      const page = await server.app.inject({ url, headers: html });
      expect([page.statusCode, page.headers['www-authenticate'], page.headers['content-type']]).toEqual([
        401,
        'Bearer',
        'text/html; charset=utf-8',
      ]);
      expect(page.headers['content-security-policy']).not.toMatch(/unsafe|script-src/);
      expect(page.body).toContain('wants to know who asks');
      const program = await server.app.inject({ url, headers: { accept: 'application/json' } });
      expect(program.json().errors[0].extensions.code).toBe('UNAUTHENTICATED');
    }
  });
  it('is within what a client may ask, also by district, and says for whom it was', async () => {
    const trial = await testServer(ownerUrl, { budget: DEFAULT_BUDGET });
    try {
      for (const [who, persona] of Object.entries(PERSONAS)) {
        const headers = { authorization: `Bearer ${await trial.token(who as PersonaName)}` };
        const { statusCode, body } = await trial.app.inject({ url: `/outcomes?district=${OXFORD}`, headers });
        expect(statusCode, who).toBe(200);
        expect(body).toContain(`(${persona.client}), with the rights of this client`);
      }
    } finally {
      await trial.close();
    }
  }, 60_000);
  it('before there is an edition shows what the papers print', () => {
    expect(unpublished).toContain('No figures have been published yet');
    expect(unpublished).toContain('id="picture-trajectory-looked-after"');
    expect(unpublished).not.toContain('id="picture-framework-');
  });
  it('in development is made as whoever is picked, and never for another site', async () => {
    const trial = await testServer(ownerUrl, { outcomeReaders: demonstrationOutcomeReaders(server.issuer), verify: server.issuer.verify });
    const at = await trial.listen({ host: '127.0.0.1', port: 0 });
    const visitor = await browser.newContext({ acceptDownloads: true });
    try {
      const page = await visitor.newPage();
      await page.goto(`${at}/outcomes`);
      expect(await page.locator('figure').count()).toBe(0);
      await page.getByLabel('Ask as').selectOption({ label: 'Police officer, Thames Valley Police' });
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByText('Asked for Thames Valley Police').waitFor();
      const [kept] = await Promise.all([page.waitForEvent('download'), page.locator('a[href*="framework-protection-plans.csv"]').click()]);
      expect(kept.suggestedFilename()).toBe('framework-protection-plans.csv');
      const url = '/outcomes?as=thames-valley-police-protection';
      const elsewhere = await trial.app.inject({ url, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' } });
      expect(elsewhere.body).not.toContain('Asked for');
      expect((await trial.app.inject('/outcomes?as=occ-governance')).body).not.toContain('Asked for');
      expect((await trial.app.inject('/outcomes?period=DAY')).statusCode).toBe(400);
    } finally {
      await visitor.close();
      await trial.close();
    }
  }, 60_000);
});

it('nothing left the server, and the browser had no complaint', () => {
  expect(asked.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:image/svg+xml;base64,'))).toEqual([]);
  expect(said.filter((line) => !line.includes('favicon') && !/status of 404/.test(line))).toEqual([]);
});
