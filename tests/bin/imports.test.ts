/** The commands that bring records in and take the dataset out, each in a process of its own. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addFeed } from '../../src/db/provision.ts';
import { oneLine, root, run } from '../support/command.ts';
import { madeService, testFeed } from '../support/feed.ts';
import { LOGIN_SECRET, preparedDatabase, sqlAsOwner } from '../support/server.ts';

/** Milliseconds for what starts processes, on a machine that has other work. */
const SLOW = 240_000;
const folder = mkdtempSync(path.join(tmpdir(), 'fsp-imports-'));
let own: Record<string, string>;
beforeAll(async () => {
  own = { DATABASE_URL: await preparedDatabase('fsp_imports'), LOGIN_SECRET };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const census = (name: string) => path.join(root, 'tests/exchange/cin', `${name}.xml`);

it('import:cin builds families, says what was wrong, and changes nothing a second time', { timeout: SLOW }, async () => {
  const good = await run('import-cin', ['--file', census('good')], own);
  expect(good).toMatchObject({ code: 0, err: '' });
  expect(good.out).toContain('line 8 OX0001: created\n');
  expect(good.out).toMatch(/3 created, 0 updated, 0 unchanged, 0 failed\.\n$/);
  const again = await run('import-cin', ['--file', census('good')], own);
  expect(again.out).toMatch(/0 created, 0 updated, 3 unchanged, 0 failed\.\n$/);
  const broken = path.join(folder, 'broken.xml');
  writeFileSync(broken, '<Message><Children><Child>');
  expect(await run('import-cin', ['--file', broken], own)).toMatchObject({ code: 1, err: oneLine });
  expect(await run('import-cin', [], own)).toEqual({ code: 1, out: '', err: 'Say which file: --file census.xml\n' });
});

it('import:workbook writes entries, and says from where the next pull goes on', { timeout: SLOW }, async () => {
  const file = path.join(folder, 'answers.csv');
  const row = (question: string, answer: string) =>
    `7,${question.length},OX0001,Family Solutions Plus Workbook,${question},,${answer},2026-10-05 14:10:00,FSPWB,C`;
  const head =
    'FACT_FORM_ID,FACT_FORM_ANSWER_ID,DIM_PERSON_ID,DIM_ASSESSMENT_TEMPLATE_ID_DESC,DIM_ASSESSMENT_TEMPLATE_QUESTION_ID_DESC,ANSWER_NO,ANSWER,ANSWERED_DTTM,DIM_LOOKUP_FORM_TYPE_ID_CODE,DIM_LOOKUP_STEP_SUBSTATUS_CODE';
  writeFileSync(
    file,
    [head, row('Module', 'Module 2'), row('Date of session', '2026-10-05 13:30'), row('What we did', 'We talked.')].join('\n'),
  );
  const args = ['--file', file];
  const first = await run('import-workbook', args, own);
  expect(first).toEqual({
    code: 0,
    err: '',
    out: '1 forms, 0 passed over: 1 created, 0 updated, 0 unchanged, 0 failed.\nGo on with --since 2026-10-05T13:10:00.000\n',
  });
  expect((await run('import-workbook', args, own)).out).toContain('0 created, 0 updated, 1 unchanged');
  // What is broken off says what was read, and not that it may be gone on from there.
  expect(await run('import-workbook', [...args, '--client', 'occ-front-door'], own)).toEqual({
    code: 1,
    err: oneLine,
    out: '1 forms, 0 passed over: 0 created, 0 updated, 0 unchanged, 0 failed.\n',
  });
  expect((await run('import-workbook', ['--file', file, '--system', 'another'], own)).out).toMatch(
    /0 unchanged, 1 failed\.\n {2}failed .+\nWhat failed comes again without --since\.\nGo on with --since 2026-10-05T13:10:00\.000\n$/,
  );
});

it('export:ssd writes its files', { timeout: SLOW }, async () => {
  const out = path.join(folder, 'ssd');
  const done = await run('export-ssd', ['--out', out], own);
  expect(done).toMatchObject({ code: 0, err: '' });
  expect(done.out).toMatch(/^\d+ families: 61 files in /);
  expect(readdirSync(out)).toHaveLength(61);
  // The ids of the census: what is brought in and what goes out speak of one system.
  expect(readFileSync(path.join(out, 'ssd_person.csv'), 'utf8')).toContain('OX0001');
  expect(await run('export-ssd', [], own)).toEqual({ code: 1, out: '', err: 'Say where to: --out <folder>\n' });
});

it('directory:pull pulls every feed, whatever becomes of another', { timeout: SLOW }, async () => {
  const owner = await sqlAsOwner(own.DATABASE_URL as string);
  const [good, short, inside] = await Promise.all([testFeed(), testFeed(), testFeed()]);
  try {
    for (const { services } of [good, short, inside]) services.push(madeService(services.length), madeService(1));
    short.envelope = (page) => ({ ...page, total_items: 3 });
    const councils = { 'a-inside': inside, 'b-good': good, 'c-short': short };
    for (const [code, { url }] of Object.entries(councils))
      await addFeed(owner, { code, organisation: 'cherwell', url, district: 'E07000177' });
    // The council registered it itself: what stands inside the network is not asked for it.
    await owner.query("update fsp.service_feed set by_operator = false where code = 'a-inside'");
    const hosts = { ...own, FEED_HOSTS: [good, short, inside].map(({ host }) => host).join(',') };
    const done = await run('directory-pull', [], hosts);
    expect(done.code).toBe(1);
    expect(done.err).toEqual(oneLine);
    expect(done.err).toMatch(/^a-inside: /);
    expect(done.out).toBe(
      'b-good: 2 services on 1 pages: 2 created, 0 updated, 0 unchanged, 0 failed, 0 retired.\n' +
        'c-short: 2 services on 1 pages: 2 created, 0 updated, 0 unchanged, 0 failed, 0 retired. Not complete. The feed says it has 3 services, and gave 2: nothing was retired.\n',
    );
    expect(inside.asked).toEqual([]);
    expect(await run('directory-pull', ['--feed', 'b-good'], hosts)).toMatchObject({ code: 0, err: '' });
    expect(await run('directory-pull', ['--feed', 'nobody'], hosts)).toEqual({
      code: 1,
      out: '',
      err: 'There is no enabled feed nobody with an address.\n',
    });
  } finally {
    await owner.end();
    await Promise.all([good, short, inside].map((feed) => feed.close()));
  }
});
