/** A second authority, of another shape: it starts with its own reference data and its own callers, and works. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { callersOf } from '../../src/db/callers.ts';
import { readReference } from '../../src/db/reference.ts';

const dataDir = path.join(tmpdir(), `fsp-somerset-${process.pid}`);
const { NODE_ENV: _test, VITEST: _vitest, ...inherited } = process.env;
const env = { ...inherited, AUTHORITY: 'somerset', DATA_DIR: dataDir, PORT: '0' };
let child: ChildProcess | undefined;
afterAll(async () => {
  if (child && child.exitCode === null) {
    child.kill('SIGTERM');
    await new Promise((resolve) => child?.once('exit', resolve));
  }
  rmSync(dataDir, { recursive: true, force: true });
});

describe('the reference set', () => {
  const data = readReference('somerset');
  it('has the shapes of the paper: four areas of seven teams, and two psychologists', () => {
    const of = (area: string) => data.teams.filter((team) => team.area === area).map(({ teamType }) => teamType);
    for (const area of ['Bridgwater', 'South Somerset', 'Mendip', 'West Somerset and Taunton'])
      expect(of(area)).toEqual([
        'assessment',
        'family-safeguarding',
        'assessment',
        'family-safeguarding',
        'wider-safeguarding',
        'cla-permanence',
        'cla-reunification',
      ]);
    expect(data.teams.filter(({ teamType }) => teamType === 'reflective-supervision')).toHaveLength(2);
  });
  it('gives an area two workers for each of those who were harmed, those who harm, substance misuse and mental health', () => {
    const parts = new Map<string, number>();
    for (const { teamType } of data.teams.filter(({ area }) => area === 'Mendip'))
      for (const { discipline, fte } of data['team-types'].find(({ code }) => code === teamType)?.posts ?? [])
        parts.set(discipline, (parts.get(discipline) ?? 0) + fte);
    expect(Object.fromEntries(parts)).toEqual({
      'domestic-abuse-victims': 2,
      'domestic-abuse-perpetrators': 2,
      'substance-misuse': 2,
      'mental-health': 2,
    });
  });
  it('follows the districts to the one council of today', () => {
    const by = new Map(data.districts.map((each) => [each.code, each]));
    for (const start of data.districts) {
      let at = start;
      while (at.successor) at = by.get(at.successor) as typeof at;
      expect(at.code, start.name).toBe('E06000066');
    }
  });
  it('repeats no list that is England’s', () => {
    const own = new Set(data.codes.filter(({ list }) => list === 'service-kind').map(({ code }) => code));
    expect([...own]).toEqual(['housing', 'leisure', 'holiday-club', 'community-safety']);
    expect(readReference('oxfordshire').codes.filter(({ list }) => list === 'ethnicity')).toEqual(
      data.codes.filter(({ list }) => list === 'ethnicity'),
    );
  });
  it('has callers of its own, each at an organisation that is there', () => {
    const { clients, users, personas } = callersOf('somerset');
    const codes = new Set(data.organisations.map(({ code }) => code));
    expect([...clients, ...users].filter(({ organisation }) => !codes.has(organisation))).toEqual([]);
    expect(personas.map(({ agency }) => agency)).toEqual(['LA', 'TEAM', 'HEALTH', 'EDUCATION', 'POLICE', 'DISTRICT', 'PROVIDER']);
    expect(JSON.stringify([clients, personas])).not.toMatch(/oxford|cherwell|thames/i);
  });
});

it('starts, says how to ask, and takes a family by its own county', async () => {
  child = spawn(process.execPath, ['src/main.ts'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const url = await new Promise<string>((resolve) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      const address = /Serving (http:\S+)\/graphql/.exec(text);
      if (address) resolve(address[1] as string);
    };
    child?.stdout?.on('data', read);
    child?.stderr?.on('data', read);
    child?.once('exit', () => resolve(''));
  });
  expect(url, text).not.toBe('');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(text).toContain('AUTHORITY=somerset');
  expect(text).not.toMatch(/Cherwell|Thames Valley|Turning Point/);

  const { personas } = callersOf('somerset');
  const token = (client: string, user: string) =>
    execFileSync(process.execPath, ['src/bin/token.ts', '--client', client, '--user', user], { env, encoding: 'utf8' }).trim();
  const ask = async (persona: (typeof personas)[number], query: string, variables: object = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token(persona.client, persona.user)}`,
        'content-type': 'application/json',
        'x-purpose-of-use': persona.purpose,
      },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as { data: any; errors?: unknown[] };
  };
  const [county, team] = personas as [(typeof personas)[number], (typeof personas)[number]];
  const who = await ask(
    county,
    '{ viewer { organisation agency } organisations(agency: TEAM, first: 40) { totalCount { value } nodes { name team { area type { code } } } } teamTypes { code posts { discipline { label } posts } } districts { code successor { code } } }',
  );
  expect(who.errors).toBeUndefined();
  expect(who.data.viewer).toEqual({ organisation: 'somerset', agency: 'LA' });
  expect(who.data.organisations.totalCount.value).toBe(30);
  expect(who.data.teamTypes.map(({ code }: { code: string }) => code)).toEqual([
    'assessment',
    'cla-permanence',
    'cla-reunification',
    'family-safeguarding',
    'reflective-supervision',
    'wider-safeguarding',
  ]);

  const register = `mutation($input: RegisterFamilyInput!) { registerFamily(input: $input) { family { id name households { district { name } } } userErrors { message path } } }`;
  const input = {
    idempotencyKey: 'first',
    name: 'Withycombe',
    members: [
      { givenName: 'Merryn', familyName: 'Withycombe', dateOfBirth: '1992-02-02', sex: 'F', role: 'mother', parentalResponsibility: true },
      { givenName: 'Kit', familyName: 'Withycombe', dateOfBirth: '2019-07-01', sex: 'M', role: 'child' },
    ],
    household: { address: '1 Invented Drove, Bridgwater', postcode: 'TA6 9ZZ', district: 'E06000066', from: '2025-01-01', members: [0, 1] },
  };
  const made = await ask(county, register, { input });
  expect(made.data.registerFamily).toMatchObject({
    family: { name: 'Withycombe', households: [{ district: { name: 'Somerset' } }] },
    userErrors: [],
  });
  const other = await ask(team, 'query($id: ID!) { family(id: $id) { name } }', { id: made.data.registerFamily.family.id });
  expect(other.data.family).toBeNull();

  const page = await (await fetch(`${url}/playground/clients`)).json();
  expect((page as { id: string }[]).map(({ id }) => id)).toContain('somerset-social-care');
}, 180_000);
