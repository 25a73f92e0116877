/**
 * `npm --prefix bench run services`: how long it takes to find services among 100,000, each question asked by itself, over the whole of
 * the product but the socket: token, plan, statement, answer.
 */
import type pg from 'pg';
import { withOwnServer } from './own-server.ts';

const SERVICES = Number(process.argv[2] ?? 100_000);
const ASKED = 300;

/** Services around the county's towns: one place each, a schedule, words of which some are rare. */
const MAKE = `
  with made as (
    insert into fsp.service (code, name, organisation, district, kind, minimum_age, maximum_age, fees, free, discounted, data_class, public_id)
    select 'bench-' || n,
      (array['Swimming','Cooking','Football','Reading','Dancing','Walking','Singing','Climbing'])[1 + n % 8] || ' '
        || (array['club','group','morning','course','evening'])[1 + n % 5] || ' number' || (n % 997),
      500, (array['E07000177','E07000178','E07000179','E07000180','E07000181'])[1 + n % 5],
      (array['leisure','healthy-living','family-support','wellbeing'])[1 + n % 4],
      n % 17, 18 + n % 60, case n % 3 when 0 then 'free' else '£5' end, n % 3 = 0, n % 7 = 0, 'OFFER', gen_random_uuid()
    from generate_series(1, $1) n
    returning id, code, name
  ), documents as (
    insert into fsp.service_document (service, document)
    select id, jsonb_build_object('id', id, 'name', name, 'status', 'active', 'description',
      'What ' || name || ' does for families, ' || (array['indoors','outdoors','online'])[1 + id % 3] || ', with word' || (id % 4999)) from made
  ), places as (
    insert into fsp.service_location (service, public_id, location_type, latitude, longitude)
    select m.id, gen_random_uuid(), 'physical', a.latitude + (random() - 0.5) / 10, a.longitude + (random() - 0.5) / 6
    from made m join (select *, row_number() over (order by outward) - 1 as i, count(*) over () as n from fsp.postcode_area) a on a.i = m.id % a.n
  )
  insert into fsp.service_schedule (service, frequency, days, opens, closes)
  select id, 'WEEKLY', array[(array['MO','TU','WE','TH','FR','SA','SU'])[1 + id % 7]], '09:00', '17:00' from made`;

const QUESTIONS: Record<string, (i: number) => Record<string, unknown>> = {
  'words, rare': (i) => ({ text: `word${i % 4999}` }),
  'words, common': () => ({ text: 'swimming families' }),
  'words, age, free': (i) => ({ text: 'swimming', age: i % 17, freeOrDiscounted: true }),
  'district and kind': () => ({ district: 'E07000178', kind: 'wellbeing' }),
  'near, 2 km': (i) => ({ near: { latitude: 51.6 + (i % 40) / 100, longitude: -1.3, within: 2_000 } }),
  'near, 10 km': (i) => ({ near: { latitude: 51.6 + (i % 40) / 100, longitude: -1.3, within: 10_000 } }),
  'words near a postcode': () => ({ text: 'swimming', near: { postcode: 'OX16 5QD', within: 5_000 } }),
  'open now, free': (i) => ({ openAt: `2026-11-${String(10 + (i % 14)).padStart(2, '0')}T10:30:00.000Z`, freeOrDiscounted: true }),
};

const QUERY =
  'query Find($filter: ServiceFilter) { services(filter: $filter, first: 20) { nodes { id name district { code } free locations { latitude longitude postcode } schedules { days opens closes } } pageInfo { hasNextPage endCursor } } }';

const fill = async (owner: pg.Client) => {
  await owner.query(MAKE, [SERVICES]);
  await owner.query('vacuum analyze fsp.service, fsp.service_document, fsp.service_location, fsp.service_schedule');
};

await withOwnServer('services', fill, async (server, issuer) => {
  const token = await issuer.sign({ clientId: 'cherwell-directory', organisation: 'cherwell', scopes: [], user: null });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-purpose-of-use': 'PERFORMANCE' };
  const place = (sorted: number[], part: number) => (sorted[Math.floor(sorted.length * part)] as number).toFixed(1);
  const rows: string[] = [];
  const measure = async (name: string, ask: (i: number) => Promise<number>) => {
    const times: number[] = [];
    let found = 0;
    for (let i = 0; i < ASKED + 30; i++) {
      const since = performance.now();
      found = Math.max(found, await ask(i));
      if (i >= 30) times.push(performance.now() - since);
    }
    times.sort((a, b) => a - b);
    rows.push(`| ${name} | ${found} | ${place(times, 0.5)} | ${place(times, 0.95)} | ${place(times, 0.99)} |`);
    console.log(rows.at(-1));
  };
  for (const [name, filter] of Object.entries(QUESTIONS)) {
    await measure(name, async (i) => {
      const answer = await server.app.inject({
        method: 'POST',
        url: '/graphql',
        headers,
        payload: { query: QUERY, variables: { filter: filter(i) } },
      });
      const body = answer.json() as { data?: { services: { nodes: unknown[] } }; errors?: unknown };
      if (!body.data || body.errors) throw new Error(answer.body);
      return body.data.services.nodes.length;
    });
  }
  for (const [name, url] of [
    ['/open-referral/services, words', '/open-referral/services?search=swimming&per_page=20'],
    ['/open-referral/service_at_locations, near', '/open-referral/service_at_locations?postcode=OX16+5QD&proximity=5000&per_page=20'],
  ] as const) {
    await measure(name, async () => {
      const answer = await server.app.inject({ url });
      if (answer.statusCode !== 200) throw new Error(answer.body);
      return (answer.json() as { contents: unknown[] }).contents.length;
    });
  }
  console.log(
    `\n${SERVICES.toLocaleString('en')} services; milliseconds.\n\n| question | rows | p50 | p95 | p99 |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}`,
  );
});
