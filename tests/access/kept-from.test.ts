/** What the mother of the third family tells about her partner is kept from him, and from those who work only with him. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { type Caller, encodeId, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const family = encodeId('Family', 3);
const partner = storyPerson(3, 'partner');
const team = (user: string | null): Caller => ({ client: 'team-07-workbook', user, purpose: 'CHILD_IN_NEED' });
const document = `query($id: ID!, $first: Int) { family(id: $id) { workbook(first: $first) { totalCount { value } nodes { id keptFrom { id } narrative } } } }`;

let server: TestServer;
let kept: string[];
let all: number;
beforeAll(async () => {
  server = await testServer();
  const owner = await sqlAsOwner();
  const { rows } = await owner.query('select id, kept_from from fsp.workbook_entry where family = 3');
  await owner.end();
  all = rows.length;
  kept = rows.filter((row) => row.kept_from.includes(String(partner))).map(({ id }) => id);
});
afterAll(() => server.close());

const entries = async (caller: Caller) => (await server.ask(caller, document, { id: family, first: 100 })).body.data.family.workbook;

describe('an entry that is kept from the partner', () => {
  it('does not exist for the team’s worker who works only with him', async () => {
    expect(kept.length).toBeGreaterThan(3);
    const workbook = await entries(team('ruth.ellery'));
    expect(workbook.nodes.map((n: any) => n.id)).not.toEqual(expect.arrayContaining([encodeId('WorkbookEntry', kept[0] as string)]));
    expect(workbook.totalCount.value).toBe(all - kept.length);
    for (const id of kept) {
      const hidden = await server.ask(team('ruth.ellery'), 'query($id: ID!) { node(id: $id) { id } }', {
        id: encodeId('WorkbookEntry', id),
      });
      const never = await server.ask(team('ruth.ellery'), 'query($id: ID!) { node(id: $id) { id } }', {
        id: encodeId('WorkbookEntry', 999_999_999),
      });
      expect(hidden.text).toBe(never.text);
    }
  });
  it('does not exist for a client of the team without a person', async () => {
    // Without a user nobody is named in the team: there is not even the family.
    expect((await server.ask(team(null), document, { id: family, first: 100 })).body.data.family).toBeNull();
  });
  it('does not exist for the provider that works only with him, by plain SQL', async () => {
    const sql = await sqlAs('elmore-perpetrators');
    const { rows } = await sql.query('select id from fsp.workbook_entry where family = 3');
    const words = await sql.query('select entry from fsp.workbook_parent_words where family = 3');
    await sql.end();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ id }) => id).filter((id) => kept.includes(id))).toEqual([]);
    expect(words.rows.filter(({ entry }) => kept.includes(entry))).toEqual([]);
  });
  it('is read by the mother’s worker and the social worker', async () => {
    for (const caller of [team('niamh.carroll'), { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'CHILD_IN_NEED' }]) {
      expect((await entries(caller)).totalCount.value).toBe(all);
    }
  });
});
