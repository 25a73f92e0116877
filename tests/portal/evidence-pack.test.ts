/** The page of an evidence pack in a browser: it needs no scripts, loads nothing, and prints. */
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { encodeId, ownDatabase, PERSONAS, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let browser: Browser;
let origin: string;
beforeAll(async () => {
  server = await testServer(await ownDatabase('fsp_evidence_page'));
  origin = await server.listen({ host: '127.0.0.1', port: 0 });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

it('is laid out by its own style, runs nothing, asks for nothing more, and prints on several sheets', async () => {
  const { body } = await server.ask(
    'socialWorker',
    'mutation($input: PrepareEvidencePackInput!) { prepareEvidencePack(input: $input) { pack { id } userErrors { message } } }',
    { input: { idempotencyKey: 'page', family: encodeId('Family', 1), purpose: 'CONFERENCE', recipient: { name: 'The conference' } } },
  );
  const context = await browser.newContext({
    extraHTTPHeaders: {
      authorization: `Bearer ${await server.token('socialWorker')}`,
      'x-purpose-of-use': PERSONAS.socialWorker.purpose,
    },
  });
  const page = await context.newPage();
  const asked: string[] = [];
  const said: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
  const url = `${origin}/evidence-packs/${body.data.prepareEvidencePack.pack.id}`;
  expect((await page.goto(url))?.status()).toBe(200);
  expect(await page.title()).toBe('Evidence pack');
  expect(await page.evaluate('getComputedStyle(document.querySelector("h1")).fontFamily')).toContain('Arial');
  expect(await page.locator('h2').count()).toBe(19);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  expect(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0).toBeGreaterThan(2);
  expect(asked.filter((each) => !each.endsWith('/favicon.ico'))).toEqual([url]);
  expect(said).toEqual([]);
  await context.close();
}, 120_000);
