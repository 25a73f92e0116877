/**
 * Random histories of decisions, involvements, closures, emergencies and clocks: what every login sees by plain SQL, and every client
 * through the API, is what a plain model says (`tests/support/sharing-model.ts`). `FC_SEED` and `FC_RUNS` choose other histories and
 * more of them, `FC_PATH` one of them again.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGREEMENT, BUNDLES, STAGES } from '../../src/access/agreement.ts';
import { AGENCIES, PERSONAL_CLASSES } from '../../src/access/classes.ts';
import { sqlAs, type TestServer, testServer } from '../support/server.ts';
import { type Fact, type LoginKind, model, type State } from '../support/sharing-model.ts';
import {
  ASKED,
  asking,
  CALLERS,
  type Event,
  FAMILIES,
  HANGS,
  happen,
  JOINING,
  MEMBERS,
  reset,
  sharingWorld,
  TABLES,
  tell,
  type World,
} from '../support/sharing-world.ts';

const seed = Number(process.env.FC_SEED ?? 20261121);
const runs = Number(process.env.FC_RUNS ?? 5);
const settings = {
  seed,
  numRuns: runs,
  endOnFailure: process.env.FC_SHRINK === undefined,
  ...(process.env.FC_PATH ? { path: process.env.FC_PATH } : {}),
};

const KINDS: LoginKind[] = ['daily', 'sealed', 'emergency'];
type Login = { organisation: (typeof ASKED)[number]; kind: LoginKind; client: pg.Client; sql: string };

let world: World;
let server: TestServer;
const logins: Login[] = [];
beforeAll(async () => {
  world = await sharingWorld('fsp_histories');
  server = await testServer(world.ownerUrl);
  for (const organisation of ASKED.filter(({ agency }) => agency !== 'EVALUATOR')) {
    // What is never for an agency its logins may not name at all.
    const tables = TABLES.filter(({ dataClass }) => AGREEMENT[dataClass].levels[organisation.agency] !== 'N');
    const sql = [
      ...tables.map(({ name, partOf, single, of }) => {
        const key = partOf?.[1] ?? (single ? of : 'id');
        return `select '${name} ' || ${key} as row from fsp.${name}`;
      }),
      `select 'membership ' || id from fsp.membership where id <= ${MEMBERS.length}`,
    ].join(' union all ');
    for (const kind of KINDS) {
      const sealed = kind === 'daily' ? false : kind === 'sealed' ? true : kind;
      logins.push({ organisation, kind, client: await sqlAs(organisation.code, sealed, world.ownerUrl), sql });
    }
  }
});
afterAll(async () => {
  for (const { client } of logins) await client.end();
  await server.close();
  await world.owner.end();
});

/** Where two sets of rows differ, to be read. */
function differences(who: string, seen: Set<string>, expected: Fact[]): string[] {
  const wanted = new Set(expected.map(({ table, id }) => `${table} ${id}`));
  const say = (row: string, what: string) => {
    const fact = world.facts.find(({ table, id }) => `${table} ${id}` === row);
    const whose = fact && ASKED.find(({ id }) => id === fact.controller);
    return `${who} ${what} ${row}: ${fact?.dataClass} of family ${fact?.family}, person ${fact?.person}${whose ? `, by ${whose.code}` : ''}`;
  };
  return [
    ...[...seen].filter((row) => !wanted.has(row)).map((row) => say(row, 'sees')),
    ...[...wanted].filter((row) => !seen.has(row)).map((row) => say(row, 'does not see')),
  ];
}

async function bySql(state: State): Promise<string[]> {
  const now = model(state);
  const found = await Promise.all(
    logins.map(async ({ organisation, kind, client, sql }) => {
      const seen = new Set((await client.query(sql)).rows.map(({ row }) => row as string));
      const { fact } = now.sees(kind, organisation);
      return differences(`${organisation.code} (${kind})`, seen, world.facts.filter(fact));
    }),
  );
  return found.flat();
}

/** @param turn of what all clients ask under all their purposes a third: which. */
async function byApi(state: State, turn: number): Promise<string[]> {
  const now = model(state);
  const questions = CALLERS.flatMap((caller) => caller.purposes.map((purpose) => ({ ...caller, purpose }))).filter(
    (_, i) => i % 3 === turn % 3,
  );
  const found: string[][] = [];
  const answer = async () => {
    for (let next = questions.shift(); next; next = questions.shift()) {
      const { shown } = await tell(server, asking(next, next.purpose));
      // The parts of something stand where it does.
      const { fact } = now.shows(next);
      const seen = new Set(world.facts.filter((each) => fact(each)).map(({ table, id }) => `${table} ${id}`));
      const expected = world.facts.filter(
        ({ table, id }) => table !== 'membership' && seen.has(`${table} ${id}`) && (!HANGS[table] || seen.has(`${HANGS[table]} ${id}`)),
      );
      found.push(differences(`${next.client} ${next.user} ${next.purpose}`, shown, expected));
    }
  };
  await Promise.all(Array.from({ length: 4 }, answer));
  return found.flat();
}

const code = fc.constantFrom(...ASKED.map((organisation) => organisation.code));
const family = fc.constantFrom(...FAMILIES);
const member = fc.constantFrom(...MEMBERS, ...JOINING);
const about = fc.oneof(
  family.map((id) => ({ family: id, person: null })),
  member,
);
const classes = fc.uniqueArray(fc.constantFrom(...PERSONAL_CLASSES), { minLength: 1, maxLength: 6 });
const nth = fc.nat(20);
/** Mostly of today: begun, and not ended. */
const lasting = fc.record({
  from: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -20, max: 0 }) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }) }),
  until: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: fc.integer({ min: -5, max: 12 }) }),
});
const subject = fc.constantFrom(...CALLERS.map(({ organisation, user }) => ({ organisation: organisation.code, subject: user })));

const involve = fc
  .tuple(about, lasting, code, fc.boolean(), fc.option(fc.constantFrom('marcus.oyelaran', 'grace.whitlock', 'bethan.rowe')))
  .map(
    ([of, time, organisation, agreed, worker]): Event => ({
      kind: 'involve',
      ...of,
      ...time,
      organisation,
      agreed,
      worker: organisation === 'occ' ? worker : null,
    }),
  );
const decide = fc
  .tuple(
    about,
    lasting,
    classes,
    fc.constantFrom<'SHARE' | 'WITHHOLD'>('SHARE', 'SHARE', 'WITHHOLD'),
    fc.option(fc.constantFrom(...Object.keys(BUNDLES)), { freq: 4 }),
    fc.option(code),
    fc.constantFrom(...AGENCIES),
  )
  .map(
    ([of, time, which, effect, bundle, organisation, agency]): Event => ({
      kind: 'decide',
      ...of,
      ...time,
      classes: which,
      effect,
      bundle,
      organisation,
      agency,
    }),
  );
const stage = fc
  .tuple(family, fc.constantFrom(...STAGES), fc.boolean())
  .map(([id, at, marac]): Event => ({ kind: 'stage', family: id, stage: at, marac }));
const emergency = fc
  .tuple(family, subject, classes, fc.integer({ min: -4, max: 0 }), fc.integer({ min: -2, max: 4 }))
  .map(([id, who, which, from, until]): Event => ({ kind: 'emergency', family: id, ...who, classes: which, from, until }));
const whole = fc.option(code, { freq: 2 });

const something: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: decide },
  { weight: 3, arbitrary: nth.map((n): Event => ({ kind: 'contradict', nth: n })) },
  { weight: 2, arbitrary: nth.map((n): Event => ({ kind: 'withdraw', nth: n })) },
  { weight: 3, arbitrary: involve },
  {
    weight: 2,
    arbitrary: fc.tuple(nth, fc.integer({ min: -1, max: 6 })).map(([n, hours]): Event => ({ kind: 'leave', nth: n, in: hours })),
  },
  { weight: 2, arbitrary: stage },
  { weight: 2, arbitrary: fc.tuple(member, lasting).map(([of, time]): Event => ({ kind: 'protect', ...of, ...time })) },
  { weight: 1, arbitrary: nth.map((n): Event => ({ kind: 'unprotect', nth: n })) },
  { weight: 1, arbitrary: fc.tuple(family, whole).map(([id, organisation]): Event => ({ kind: 'restrict', family: id, organisation })) },
  { weight: 1, arbitrary: nth.map((n): Event => ({ kind: 'lift', nth: n })) },
  {
    weight: 1,
    arbitrary: fc.tuple(family, subject, lasting).map(([id, who, time]): Event => ({ kind: 'conflict', family: id, ...who, ...time })),
  },
  { weight: 2, arbitrary: emergency },
  { weight: 1, arbitrary: fc.constantFrom(...JOINING).map((of): Event => ({ kind: 'join', ...of })) },
  { weight: 1, arbitrary: nth.map((n): Event => ({ kind: 'end-membership', nth: n })) },
);

const history = fc.record({
  before: fc.tuple(fc.array(stage, { maxLength: 3 }), fc.array(involve, { minLength: 5, maxLength: 14 })).map((parts) => parts.flat()),
  first: fc.array(something, { minLength: 2, maxLength: 10 }),
  hours: fc.integer({ min: 1, max: 10 }),
  after: fc.array(something, { maxLength: 6 }),
});

const told = (found: string[]) => found.slice(0, 12).join('\n');

describe('after any history', () => {
  it('every login and every client sees what the model says, and not a row more', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ before, first, hours, after }) => {
        const state = await reset(world);
        for (const event of [...before, ...first]) await happen(world, state, event);
        expect(told(await bySql(state))).toBe('');
        expect(told(await byApi(state, hours))).toBe('');
        for (const event of [{ kind: 'pass', hours } as const, ...after]) await happen(world, state, event);
        expect(told(await bySql(state))).toBe('');
        expect(told(await byApi(state, hours + 1))).toBe('');
      }),
      settings,
    );
  }, 600_000);
});
