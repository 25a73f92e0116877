/** The sharing pages in a browser: they need no scripts, load nothing, print, and are for everybody to read. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGREEMENT, AGREEMENT_VERSION, PURPOSE_NAMES } from '../../src/access/agreement.ts';
import { AGENCIES } from '../../src/access/classes.ts';
import { demonstrationReaders } from '../../src/portal/demonstration.ts';
import { addFrontDoor } from '../../src/portal/sharing.ts';
import { chromiumPath } from '../support/chromium.ts';
import { type Caller, encodeId, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const lead: Caller = { client: 'occ-governance', user: 'gideon.marlowe' };
const family = encodeId('Family', 1);

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let server: TestServer;
let ownerUrl: string;
let browser: Browser;
let origin: string;
let context: BrowserContext;
const asked: string[] = [];
const said: string[] = [];
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_sharing_page');
  server = await testServer(ownerUrl);
  origin = await server.listen({ host: '127.0.0.1', port: 0 });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
  context = await browser.newContext({
    javaScriptEnabled: true,
    extraHTTPHeaders: { authorization: `Bearer ${await server.token(lead)}` },
  });
}, 400_000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const open = async (path: string) => {
  const page = await context.newPage();
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
  const response = await page.goto(`${origin}${path}`);
  return { page, status: response?.status() };
};

const PAGES = ['/sharing', '/sharing/fields', '/sharing/family', `/sharing/family?family=${family}&agency=POLICE`];

describe.each(PAGES)('%s', (path) => {
  it('says what it is, runs nothing, and names every table and field for whoever does not see it', async () => {
    const { page, status } = await open(path);
    expect(status).toBe(200);
    expect(await page.locator('html').getAttribute('lang')).toBe('en-GB');
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.title()).toBe(await page.locator('h1').innerText());
    expect(await page.locator('script').count()).toBe(0);
    expect(await page.locator('main').count()).toBe(1);
    for (const [each, within] of [
      ['table', 'caption'],
      ['table', 'thead th[scope=col]'],
      ['tbody tr', 'th[scope=row]'],
    ] as const)
      expect(await page.locator(`${each}:not(:has(${within}))`).count(), `${each} without ${within}`).toBe(0);
    const unnamed = await page.evaluate(
      `[...document.querySelectorAll('input, select')].filter((each) => each.labels.length === 0).map((each) => each.id)`,
    );
    expect(unnamed).toEqual([]);
    const ids = await page.evaluate(`[...document.querySelectorAll('[id]')].map(({ id }) => id)`);
    expect(new Set(ids as string[]).size).toBe((ids as string[]).length);
    // No heading leaves out a level.
    const levels = (await page.evaluate(
      `[...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName[1]))`,
    )) as number[];
    expect(levels.filter((level, i) => level > (levels[i - 1] ?? 0) + 1)).toEqual([]);
    await page.close();
  }, 60_000);

  it('axe finds nothing serious', async () => {
    const { page } = await open(path);
    // Tables are of one form: the first rows of each stand for the rest.
    await page.evaluate("document.querySelectorAll('tbody').forEach((body) => [...body.rows].slice(2).forEach((row) => row.remove()))");
    await page.evaluate(axe);
    const found = (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] })`)) as { violations: any[] };
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.length}, ${nodes[0]?.html}`)).toEqual([]);
    await page.close();
  }, 120_000);

  it('is read without scripts, and printed', async () => {
    const plain = await browser.newContext({
      javaScriptEnabled: false,
      extraHTTPHeaders: { authorization: `Bearer ${await server.token(lead)}` },
    });
    const page = await plain.newPage();
    await page.goto(`${origin}${path}`);
    expect((await page.locator('main').innerText()).length).toBeGreaterThan(400);
    const pdf = await page.pdf({ preferCSSPageSize: true });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('nav').first().isVisible()).toBe(false);
    await plain.close();
  }, 60_000);
});

describe('the agreement', () => {
  it('stands there whole, for everybody, with its version', async () => {
    for (const url of ['/sharing', '/sharing/fields']) {
      const { statusCode, headers, body } = await server.app.inject(url);
      expect(statusCode).toBe(200);
      expect(body).toContain(AGREEMENT_VERSION);
      expect(headers['content-security-policy']).not.toMatch(/unsafe|script-src/);
      expect(body).not.toMatch(/<script|javascript:|style="/);
    }
    const { page } = await open('/sharing');
    const text = await page.locator('main').innerText();
    for (const word of [...Object.keys(AGREEMENT), ...PURPOSE_NAMES, 'recordSharingDecision', 'family:write']) expect(text).toContain(word);
    // One cell, read as its row and column say.
    const police = await page
      .locator('tr', { has: page.locator('#class-WORKBOOK') })
      .locator('td')
      .nth(1 + AGENCIES.indexOf('POLICE'))
      .innerText();
    expect(police).toBe('never');
    await page.close();
    const fields = await open('/sharing/fields');
    const row = fields.page.locator('h3#WorkbookEntry + div tbody tr', { hasText: 'narrative' }).first();
    expect(
      await row
        .locator('td')
        .nth(1 + AGENCIES.indexOf('POLICE'))
        .innerText(),
    ).toBe('never');
    await fields.page.close();
  }, 60_000);
});

describe('what they would see of a family', () => {
  it('tells a person without a token in a page what is wanted, and a program in JSON', async () => {
    const page = await server.app.inject({ url: '/sharing/family', headers: { accept: 'text/html,application/xhtml+xml' } });
    expect(page.statusCode).toBe(401);
    expect(page.headers['www-authenticate']).toBe('Bearer');
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['content-security-policy']).not.toMatch(/unsafe|script-src/);
    expect(page.body).toContain('role information-governance');
    const program = await server.app.inject({ url: '/sharing/family', headers: { accept: 'application/json' } });
    expect(program.json().errors[0].extensions.code).toBe('UNAUTHENTICATED');
    // Nobody is taken for somebody else because the address says so.
    const asking = `/sharing/family?as=occ-governance&family=${family}&agency=POLICE`;
    expect((await server.app.inject(asking)).statusCode).toBe(401);
  });

  it('in development asks as whoever is picked, from the first click on, and never for another site', async () => {
    const readers = demonstrationReaders(server.issuer);
    const trial = await testServer(ownerUrl, { readers, verify: server.issuer.verify });
    addFrontDoor(trial.app, true);
    const at = await trial.listen({ host: '127.0.0.1', port: 0 });
    const visitor = await browser.newContext();
    try {
      const page = await visitor.newPage();
      await page.goto(`${at}/sharing`);
      await page.getByRole('link', { name: 'What would they see of a family?' }).click();
      await page.getByLabel('Family', { exact: true }).fill(family);
      await page.getByLabel('Agency').selectOption({ label: 'The police' });
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByRole('heading', { name: /Thames Valley Police and Family-1/ }).waitFor();
      // From a verdict to its reasons, and back to every field.
      await page.locator('h3:text-is("Person") + div tr', { hasText: 'nhsNumber' }).getByRole('link').click();
      await page.getByRole('heading', { name: 'Person.nhsNumber: withheld' }).waitFor();
      expect(await page.locator('main').innerText()).toContain('No decision shares NHS_NUMBER.');
      await page.getByRole('link', { name: 'Every field' }).click();
      await page.getByRole('heading', { name: /Thames Valley Police and Family-1/ }).waitFor();
      // What stands for several says so.
      await page.getByLabel('or client').fill('');
      await page.getByLabel('Agency').selectOption({ label: 'Providers' });
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByText(/This is one of \d+ organisations of that agency/).waitFor();
      // The police's own lead asks of the police alone.
      await page.goto(`${at}/sharing/family?as=thames-valley-police-governance&family=${family}&agency=HEALTH`);
      expect(await page.locator('main').innerText()).toContain('not yours to ask about');
      const elsewhere = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' };
      const asked = await trial.app.inject({ url: `/sharing/family?as=occ-governance&family=${family}&agency=POLICE`, headers: elsewhere });
      expect(asked.body).not.toContain('the family is there');
      expect((await trial.app.inject('/sharing/family?as=occ-social-care&family=Family-1&agency=POLICE')).body).not.toContain('is there');
      const door = await trial.app.inject('/');
      expect([door.statusCode, door.headers.location]).toEqual([302, '/playground']);
    } finally {
      await visitor.close();
      await trial.close();
    }
  }, 60_000);

  it('is asked by a form, and answered without a value of the record', async () => {
    const { page } = await open('/sharing/family');
    await page.getByLabel('Family', { exact: true }).fill(family);
    await page.getByLabel('Agency').selectOption({ label: 'The police' });
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('heading', { name: /Thames Valley Police and Family-1/ }).waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain('the family is there');
    expect(await page.locator('h3:text-is("Person") + div tr', { hasText: 'nhsNumber' }).innerText()).toContain('withheld');
    expect(text.slice(text.indexOf('Nothing of'))).toContain('WorkbookEntry');
    const owner = await sqlAsOwner(ownerUrl);
    const { rows } = await owner.query(
      'select given_name from fsp.person_identity where person in (select person from fsp.membership where family = 1) and given_name is not null',
    );
    const records = (await owner.query('select records from fsp.disclosure')).rows.flatMap((record) => JSON.parse(record.records));
    await owner.end();
    expect(rows.length).toBeGreaterThan(0);
    for (const { given_name } of rows) expect(text).not.toContain(given_name);
    // That it was asked is on record.
    expect(records.at(-1)).toMatchObject({ client: 'occ-governance', user: 'gideon.marlowe', families: [1], operation: 'SharingFamily' });
    await page.close();
  }, 60_000);

  it('is nobody’s without a token, and nobody’s without the role', async () => {
    expect((await server.app.inject('/sharing/family')).statusCode).toBe(401);
    const token = await server.token('socialWorker');
    for (const url of ['/sharing/family', `/sharing/family?family=${family}&agency=POLICE`]) {
      const { statusCode, body } = await server.app.inject({ url, headers: { authorization: `Bearer ${token}` } });
      expect(statusCode).toBe(403);
      expect(body).toContain('role information-governance');
    }
  });

  it('says in words what was wrong, and of a hidden family what it says of none; what was filled in stays text', async () => {
    const headers = { authorization: `Bearer ${await server.token(lead)}` };
    const get = (query: Record<string, string>) => server.app.inject({ url: `/sharing/family?${new URLSearchParams(query)}`, headers });
    const none = await get({ family: 'Family-999999999', agency: 'POLICE' });
    expect(none.statusCode).toBe(404);
    expect(none.body).toContain('not yours to ask about');
    const odd = await get({ family: '<script>alert(1)</script>"', agency: 'POLICE' });
    expect(odd.statusCode).toBe(400);
    expect(odd.body).toContain('This is not an id');
    expect(odd.body).not.toContain('<script');
    expect((await get({ family })).body).toContain('Name either a client or an agency.');
    const absent = await get({ family, client: 'connections-support-casework' });
    expect(absent.body).toContain('the family is not there.');
  });
});

it('nothing left the server, and the browser had no complaint', () => {
  expect(asked.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
  expect(said.filter((line) => !line.includes('favicon') && !/status of 404/.test(line))).toEqual([]);
});
