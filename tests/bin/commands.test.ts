import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { buildSchema, isObjectType, parse, printSchema } from 'graphql';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { levelOf } from '../../src/access/agreement.ts';
import { AGENCIES, type Agency } from '../../src/access/classes.ts';
import {
  blindedDocuments,
  inputGaps,
  type MatrixRow,
  matrixChanges,
  matrixMarkdown,
  matrixRows,
  parseMatrix,
} from '../../src/access/matrix.ts';
import { viewFor } from '../../src/access/view.ts';
import { operation } from '../../src/portal/demonstration.ts';
import { productSchema } from '../../src/server.ts';
import { environment, folder, oneLine, root, run } from '../support/command.ts';
import { LOGIN_SECRET, preparedDatabase, sqlAsOwner } from '../support/server.ts';

describe('sdl', () => {
  const { schema, classes } = productSchema();

  const sdlOf = (agency: Agency) => printSchema(viewFor(schema, classes, agency));

  it('is printed as the agency named sees it, however its name is written', async () => {
    expect(await run('sdl', ['--agency', 'education'])).toEqual({ code: 0, out: `${sdlOf('EDUCATION')}\n`, err: '' });
  });

  it.each(AGENCIES)('of %s holds nothing that is never for it', (agency) => {
    const out = sdlOf(agency);
    const seen = buildSchema(out);
    const never = classes.all.filter(({ type, dataClass }) => type !== 'Mutation' && levelOf(dataClass, agency) === 'N');
    const leaked = never.filter(({ type, field }) => {
      const known = seen.getType(type);
      return isObjectType(known) && known.getFields()[field] !== undefined;
    });
    expect(leaked).toEqual([]);
    expect(out).toContain('Shared with: ');
  });

  it('leaves out what the agreement closes, and only that', () => {
    expect(sdlOf('EDUCATION')).not.toContain('nhsNumber');
    expect(sdlOf('EDUCATION')).toContain('upn: String');
    expect(sdlOf('EVALUATOR')).not.toMatch(/^type (Family|Person|Mutation) /m);
    expect(sdlOf('EVALUATOR')).toContain('type OutcomeIndicator ');
  });

  it('is whole without an agency', async () => {
    const { out } = await run('sdl');
    expect(out).toBe(`${printSchema(schema)}\n`);
  });

  it('names the agencies there are', async () => {
    expect(await run('sdl', ['--agency', 'PRESS'])).toMatchObject({ code: 1, out: '', err: oneLine });
  });
});

describe('the matrix', () => {
  const { schema, classes } = productSchema();
  const rows = matrixRows(schema, classes);
  const cell = (name: string, agency: Agency) => rows.find((row) => row.name === name)?.cells[agency];

  it('is the one in docs/', () => {
    expect(readFileSync(path.join(root, 'docs/sharing-matrix.md'), 'utf8')).toBe(matrixMarkdown(rows));
  });

  it('has every field, argument and input field', () => {
    const names = new Set(rows.map(({ name }) => name));
    for (const { type, field } of classes.all) expect(names).toContain(`${type}.${field}`);
    expect(names).toContain('Query.families(first)');
    expect(names).toContain('FamilyFilter.team');
    expect(names).toContain('AddWorkbookEntryInput.narrative');
  });

  it('says level, writing and absence', () => {
    expect(cell('Person.nhsNumber', 'EDUCATION')).toBe('N');
    expect(cell('Person.nhsNumber', 'POLICE')).toBe('D');
    expect(cell('Mutation.addWorkbookEntry', 'TEAM')).toBe('W');
    expect(cell('Mutation.addWorkbookEntry', 'POLICE')).toBe('N');
    expect(cell('AddWorkbookEntryInput.idempotencyKey', 'POLICE')).toBe('N');
    expect(cell('Query.family', 'EVALUATOR')).toBe('N');
    expect(rows.find(({ name }) => name === 'Intervention.programme')).toMatchObject({ rowClass: true });
  });

  it('is read back from its page as it was written', () => {
    const sorted = (list: MatrixRow[]) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(sorted(parseMatrix(matrixMarkdown(rows)))).toEqual(sorted(rows));
  });

  it('names what a change opens and closes, and the documents it blinds', () => {
    const before = rows.map((row) => ({ ...row, cells: { ...row.cells } }));
    const was = (name: string) => before.find((row) => row.name === name) as MatrixRow;
    was('Person.nhsNumber').cells.EDUCATION = 'A';
    was('Person.upn').cells.EDUCATION = 'D';
    expect(matrixChanges(before, rows)).toEqual([
      'Person.nhsNumber: closes for EDUCATION (A → N)',
      'Person.upn: opens for EDUCATION (D → A)',
    ]);
    const documents = new Map([
      ['one-family', parse(operation('one-family'))],
      ['services', parse(operation('services'))],
    ]);
    expect(blindedDocuments(schema, documents, before, rows)).toEqual(['one-family for EDUCATION: Person.nhsNumber']);
    expect(matrixChanges(rows, rows)).toEqual([]);
  });

  it('says of a field that its row’s own class is needed too, and of an input who may use the command without it', () => {
    const without = (name: string) => rows.filter((row) => row.name !== name);
    expect(matrixChanges(without('Intervention.programme'), rows)[0]).toContain('opens for POLICE (N → A†)');
    const [gap, ...others] = inputGaps(schema, without('RequestInterventionInput.reason'), rows);
    expect(others).toEqual([]);
    expect(gap).toBeUndefined();
    // As if it were of a class that the team does not write.
    const narrow = rows.map((row) =>
      row.name === 'RequestInterventionInput.reason'
        ? { ...row, dataClass: 'CASE' as const, cells: { ...row.cells, TEAM: 'N' as const } }
        : row,
    );
    expect(inputGaps(schema, rows, narrow)).toEqual([
      'RequestInterventionInput.reason (CASE): TEAM may use requestIntervention and not this',
    ]);
    expect(inputGaps(schema, rows, rows)).toEqual([]);
  });
});

describe('token', () => {
  it('says how it is used, as every command does, and whom one may be', async () => {
    for (const name of ['token', 'sdl', 'demo', 'disclosure-verify', 'retention']) {
      const { code, out } = await run(name, ['--help']);
      expect([name, code]).toEqual([name, 0]);
      expect(out).toMatch(/^`npm run /);
    }
    const { out } = await run('token', ['--list']);
    expect(out).toContain('Any user of an organisation works through any of its clients.');
  });

  it('is for a client and a user who works through it', async () => {
    const { code, out } = await run('token', ['--client', 'cherwell-housing-desk', '--user', 'dilys.penrose']);
    expect(code).toBe(0);
    expect(decodeJwt(out.trim())).toMatchObject({
      client_id: 'cherwell-housing-desk',
      organisation: 'cherwell-housing',
      sub: 'dilys.penrose',
    });
  });

  it('names the clients there are', async () => {
    const { out } = await run('token', ['--list']);
    expect(out).toContain('turning-point-casework');
    expect(out).toContain('callum.strand');
  });

  it('names those of one agency, every user of them', async () => {
    const { out } = await run('token', ['--agency', 'health']);
    expect(out).toMatch(/^HEALTH /);
    expect(out).toContain('client oxford-health-visiting (SAFEGUARDING ');
    expect(out).toContain('felicity.garside');
    expect(out).not.toContain('turning-point');
    expect(out).not.toContain('more');
  });

  it.each([
    ['no client', []],
    ['an unknown client', ['--client', 'press-office']],
    ["another organisation's user", ['--client', 'occ-social-care', '--user', 'harriet.coyle']],
    ['an option there is not', ['--klient', 'x']],
    ['an agency there is not', ['--agency', 'PRESS']],
  ])('is refused in one line for %s', async (_why, args) => {
    expect(await run('token', args)).toMatchObject({ code: 1, out: '', err: oneLine });
  });

  it('is refused where an identity provider issues tokens', async () => {
    const identity = { JWKS_URL: 'https://login.example/keys', ISSUER: 'https://login.example/', AUDIENCE: 'https://api.example/' };
    expect(await run('token', ['--list'], identity)).toMatchObject({ code: 1, err: oneLine });
  });
});

describe('on a database of their own', () => {
  let own: Record<string, string>;
  let table: string;

  beforeAll(async () => {
    own = { DATABASE_URL: await preparedDatabase('fsp_bin'), LOGIN_SECRET };
  });

  it('demo is refused where the families would be of another authority', async () => {
    expect(await run('demo', [], { ...own, AUTHORITY: 'elsewhere' })).toMatchObject({ code: 1, out: '', err: oneLine });
  });

  it('demo shows field × caller in one screen', async () => {
    const { code, out, err } = await run('demo', [], own);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    table = out;
    const lines = out.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(50);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(180);
    const row = (label: string) => (lines.find((line) => line.startsWith(label)) as string).split(/\s{2,}/);
    //                              LA             TEAM         HEALTH        EDUCATION     POLICE        DISTRICT            PROVIDER
    expect(row('name')).toEqual(['name', ...Array(5).fill('Hartwell'), 'not this purpose', 'Hartwell']);
    expect(row('· ethnicity').slice(2)).toEqual(['withheld', 'withheld', 'withheld', 'not shared', 'not this purpose', 'withheld']);
    expect(row('· NHS number').slice(4)).toEqual(['not shared', 'withheld', 'not this purpose', 'withheld']);
    expect(row('households: address')[6]).toMatch(/^14 Larkrise/);
  });

  it('db:migrate says where it brought what', async () => {
    expect(await run('db-migrate', [], own)).toMatchObject({ code: 0, out: expect.stringContaining('fsp_bin') });
  });

  it('disclosure:verify proves the record, and names the first that does not fit', async () => {
    const heads = path.join(folder, 'heads.json');
    expect(await run('disclosure-verify', ['--write-heads', heads], own)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^The record is whole: [1-9]/),
    });
    expect(await run('disclosure-verify', ['--heads', heads], own)).toMatchObject({ code: 0 });

    const owner = await sqlAsOwner(own.DATABASE_URL);
    try {
      await owner.query('alter table fsp.disclosure disable trigger guard');
      await owner.query('update fsp.disclosure_chain set indexed = -1');
      await owner.query('begin');
      await owner.query(
        'delete from fsp.disclosure d where sequence = (select max(sequence) from fsp.disclosure e where e.chain = d.chain)',
      );
      await owner.query('commit');
      expect(await run('disclosure-verify', [], own)).toMatchObject({ code: 0 });
      expect(await run('disclosure-verify', ['--heads', heads], own)).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringMatching(/^Chain .* batch \d+ is missing.*\n$/),
      });
      await owner.query("update fsp.disclosure set records = replace(records, 'grace.whitlock', 'somebody.else')");
      await owner.query('alter table fsp.disclosure enable trigger guard');
    } finally {
      await owner.end();
    }
    expect(await run('disclosure-verify', [], own)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^Chain .* batch 0 (\(record \d+ of it\) )?was changed.*\n$/),
    });
    expect(await run('disclosure-verify', ['--heads', path.join(folder, 'nowhere')], own)).toMatchObject({ code: 1, err: oneLine });
  });

  it('those for the owner refuse a server that only serves', async () => {
    const { host, pathname } = new URL(own.DATABASE_URL as string);
    const serving = { DATABASE_SERVER: `postgres://${host}${pathname}`, LOGIN_SECRET };
    for (const [name, ...args] of [
      ['db-migrate'],
      ['disclosure-verify'],
      ['disclosure-archive', '--month', '2026-05', '--to', '.'],
      ['organisation', 'list'],
    ] as [string, ...string[]][])
      expect(await run(name, args, serving)).toMatchObject({ code: 1, out: '', err: oneLine });
  });

  describe('beside a running server', () => {
    let server: ChildProcess;
    let port: number;

    beforeAll(async () => {
      port = await freePort();
      server = spawn(process.execPath, ['src/main.ts'], { cwd: root, env: environment({ PORT: String(port) }), stdio: 'ignore' });
      await untilReady(server, port);
    });
    afterAll(async () => {
      if (server.exitCode !== null) return;
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await gone;
    });

    it('demo asks it, and is answered the same', async () => {
      const { code, out, err } = await run('demo', [], { PORT: String(port) });
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toBe(table);
    });

    it('those for the owner work on the database that it runs', async () => {
      expect(await run('disclosure-verify')).toMatchObject({ code: 0, out: expect.stringMatching(/^The record is whole: [1-9]/) });
      const add = ['add', '--code', 'kite-trust', '--name', 'Kite Trust', '--agency', 'HEALTH'];
      expect(await run('organisation', add)).toMatchObject({ code: 0, err: '', out: expect.stringContaining('fsp_kite-trust_sealed') });
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    });

    it('demo says so when nothing answers where it asks', async () => {
      expect(await run('demo', [], { PORT: '1' })).toMatchObject({ code: 1, out: '', err: expect.stringContaining('Another server') });
    });
  });
});

/** A port that nothing listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

async function untilReady(server: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 240 && server.exitCode === null; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('The server did not start.');
}
