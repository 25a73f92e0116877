import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance } from 'fastify';
import { buildSchema, type GraphQLSchema, graphql } from 'graphql';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PlaygroundClient, registerPlayground } from '../../src/portal/playground.ts';
import { chromiumPath } from '../support/chromium.ts';

const clients: PlaygroundClient[] = [
  {
    id: 'county',
    label: 'County social work',
    agency: 'COUNTY',
    user: 'u-1',
    userLabel: 'Asha Rees',
    purposes: ['SAFEGUARDING', 'EARLY_HELP'],
    defaultPurpose: 'SAFEGUARDING',
  },
  {
    id: 'district',
    label: 'District housing desk',
    agency: 'DISTRICT',
    user: null,
    userLabel: null,
    purposes: ['HOUSING'],
    defaultPurpose: 'HOUSING',
  },
];

const schemas: Record<string, GraphQLSchema> = {
  'token-county': buildSchema(`
    type Query { "What the county may read" family(id: ID!): Family }
    type Family { name: String countyChronology: String }
    type Mutation { closePlan(id: ID!): Boolean }
  `),
  'token-district': buildSchema(`
    type Query { "What the district may read" family(id: ID!): Family tenancy(id: ID!): String }
    type Family { name: String }
    type Mutation { closePlan(id: ID!): Boolean }
  `),
};

const document = 'query Family($id: ID!) {\n  family(id: $id) {\n    name # as "shared" <here> & now\n  }\n}';
const variables = '{\n  "id": "F-1"\n}';

let listed = clients;
let app: FastifyInstance;
let origin: string;
let changes = 0;

beforeAll(async () => {
  app = Fastify();
  await app.register(helmet);
  app.post<{
    Body: { query: string; variables?: Record<string, unknown>; operationName?: string };
  }>('/graphql', async (request) => {
    const token = String(request.headers.authorization).replace('Bearer ', '');
    const schema = schemas[token];
    if (!schema) {
      return { errors: [{ message: 'Not signed in.' }] };
    }
    return graphql({
      schema,
      source: request.body.query,
      variableValues: request.body.variables,
      operationName: request.body.operationName,
      rootValue: {
        family: () => ({ name: `${token} for ${request.headers['x-purpose-of-use']}` }),
        closePlan: () => {
          changes += 1;
          return true;
        },
      },
    });
  });
  await registerPlayground(app, {
    endpoint: '/graphql',
    clients: async () => listed,
    token: async (id) => `token-${id}`,
    purposes: ['SAFEGUARDING', 'EARLY_HELP', 'HOUSING'],
    document,
    variables,
  });
  origin = await app.listen({ port: 0, host: '127.0.0.1' });
});

afterAll(async () => {
  await app.close();
});

describe('the playground routes', () => {
  test('the page has a strict policy of its own and no inline script', async () => {
    const page = await app.inject('/playground');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page.body).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(page.body).not.toContain('{{');
  });

  test('the assets may be kept for good and are there without a network', async () => {
    const page = await app.inject('/playground');
    const paths = [...page.body.matchAll(/"(\/playground\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(paths).toHaveLength(6);
    for (const path of paths) {
      const plain = await app.inject(path);
      expect(plain.statusCode).toBe(200);
      expect(plain.headers['cache-control']).toContain('immutable');
      expect(plain.body).not.toContain('@font-face');
      const zipped = await app.inject({ url: path, headers: { 'accept-encoding': 'gzip' } });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(zipped.rawPayload.length).toBeLessThan(plain.rawPayload.length);
    }
    expect((await app.inject('/playground/assets/page.js')).statusCode).toBe(404);
  });

  test('only a listed client gets a token, and only from the page itself', async () => {
    const ask = (payload: unknown, headers = {}) =>
      app.inject({
        method: 'POST',
        url: '/playground/token',
        headers: { 'content-type': 'application/json', ...headers },
        payload: JSON.stringify(payload),
      });
    expect((await ask({ client: 'district' })).json()).toEqual({ token: 'token-district' });
    expect((await ask({ client: 'county', user: 'u-1' })).json()).toEqual({
      token: 'token-county',
    });
    expect((await ask({ client: 'county', user: 'u-2' })).statusCode).toBe(404);
    expect((await ask({ client: 'police' })).statusCode).toBe(404);
    expect((await ask(['district'])).statusCode).toBe(400);
    expect((await ask({ client: 'district' }, { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);
    expect((await app.inject('/playground/clients')).json()).toEqual(clients);
  });
});

describe('the playground in a browser', () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  // The editor draws an empty line as a zero-width space.
  const answer = async () => (await page.locator('.result-window').innerText()).replaceAll('\u200b', '').trim();
  const docs = () => page.locator('.graphiql-doc-explorer');
  const waitForAnswer = (text: string) => expect.poll(answer, { timeout: 10_000 }).toContain(text);

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    page = await browser.newPage({ viewport: { width: 1400, height: 850 } });
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.addInitScript({
      content: `addEventListener('securitypolicyviolation', (event) => {
        console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI);
      });`,
    });
    await page.goto(`${origin}/playground`);
    // Time enough to install a browser.
  }, 400_000);

  afterAll(async () => {
    await browser?.close();
  });

  test('opens on the first client with the first query answered', async () => {
    await waitForAnswer('token-county for SAFEGUARDING');
    expect(page.url()).toContain('#client=county&user=u-1&purpose=SAFEGUARDING');
    await docs().getByText('Query', { exact: true }).click();
    await docs().getByText('What the county may read').waitFor();
    expect(await docs().innerText()).not.toContain('tenancy');
    expect(await page.locator('.graphiql-query-editor').innerText()).toContain('# as "shared" <here> & now');
  }, 30_000);

  test('a change of purpose asks again for that purpose', async () => {
    await page.getByLabel('For the purpose of').selectOption('EARLY_HELP');
    await waitForAnswer('token-county for EARLY_HELP');
    expect(page.url()).toContain('purpose=EARLY_HELP');
  }, 30_000);

  test('a change of client by keyboard changes the schema and the answer', async () => {
    await page.getByLabel('Ask as').focus();
    await page.keyboard.press('ArrowDown');
    await waitForAnswer('token-district for HOUSING');
    expect(await answer()).not.toContain('county');
    await docs().getByText('What the district may read').waitFor();
    expect(await docs().innerText()).toContain('tenancy');
    expect(page.url()).toContain('#client=district&purpose=HOUSING');
  }, 30_000);

  test('the address alone brings the choice back', async () => {
    await page.goBack();
    await waitForAnswer('token-county for EARLY_HELP');
    await page.reload();
    await waitForAnswer('token-county for EARLY_HELP');
    expect(await page.getByLabel('For the purpose of').inputValue()).toBe('EARLY_HELP');
  }, 30_000);

  test('Tab leaves the editor, and a dialog opens under the policy', async () => {
    const focused = () => page.evaluate("document.activeElement.getAttribute('aria-label')");
    await page.getByLabel('Query', { exact: true }).focus();
    expect(await focused()).toBe('Query');
    await page.keyboard.press('Tab');
    expect(await focused()).not.toBe('Query');
    await page.getByLabel('Open settings dialog').click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }, 30_000);

  test('an answer left in another tab is not shown for the next client', async () => {
    const tabs = page.getByRole('tablist', { name: 'Select active operation' }).getByRole('tab');
    await page.getByLabel('Add tab').click();
    await page.getByLabel('Ask as').selectOption({ label: 'District housing desk' });
    await page.getByText('Schema and answer are those of District').waitFor();
    await tabs.first().click();
    await expect.poll(() => page.locator('.graphiql-query-editor').innerText()).toContain('query Family');
    expect(await answer()).toBe('');
    await page.getByLabel('Ask as').selectOption({ label: 'County social work, Asha Rees' });
    await waitForAnswer('token-county for SAFEGUARDING');
  }, 30_000);

  test('a change to a record is not sent again on a switch', async () => {
    await page.getByLabel('Query', { exact: true }).focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('mutation { closePlan(id: "F-1") }');
    // The editor takes note of the operation a moment after typing stops, and stores it then.
    await expect.poll(() => page.evaluate("sessionStorage.getItem('graphiql:query')")).toContain('mutation');
    await page.keyboard.press('Control+Enter');
    await waitForAnswer('"closePlan": true');
    await page.getByLabel('Ask as').selectOption({ label: 'District housing desk' });
    await page.getByText('A change is not sent again').waitFor();
    expect(await answer()).toBe('');
    expect(changes).toBe(1);
  }, 30_000);

  test('where nobody is listed the reader brings a token', async () => {
    listed = [];
    const own = await (await browser.newContext()).newPage();
    await own.goto(`${origin}/playground`);
    await own.getByRole('status').filter({ hasText: 'Paste an access token' }).waitFor();
    expect(await own.getByLabel('Ask as').isVisible()).toBe(false);
    await own.getByLabel('With the access token').fill('token-district');
    await own.getByLabel('With the access token').press('Tab');
    await expect.poll(() => own.locator('.result-window').innerText()).toContain('token-district for SAFEGUARDING');
    await own.getByLabel('For the purpose of').selectOption('EARLY_HELP');
    await expect.poll(() => own.locator('.result-window').innerText()).toContain('token-district for EARLY_HELP');
    expect((await app.inject({ method: 'POST', url: '/playground/token', payload: { client: 'district' } })).statusCode).toBe(404);
    await own.context().close();
    listed = clients;
  }, 30_000);

  test('nothing left the server and the browser had no complaint', () => {
    expect(requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
