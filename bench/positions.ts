/** Places in the list of families, in each server's own words. */
import { decodeId } from '../src/read/ids.ts';
import { POSITIONS } from './queries.ts';

/** After which family a page begins: its key, the product's cursor, PostGraphile's cursor. */
export type Position = { key: string; cursor: string; peer: string };

type Post = (path: string, body: string) => Promise<string>;

/** Every hundredth place, learned by paging through the product's list once; the last page is left out, as it may be short. */
export async function learnPositions(ours: Post, postgraphile: Post): Promise<Position[]> {
  const known = await postgraphile('', JSON.stringify({ query: '{ allFamilies(first: 1) { edges { cursor } } }' }));
  // A cursor of PostGraphile is a digest of the order and the key, in base64.
  const [digest] = JSON.parse(Buffer.from(JSON.parse(known).data.allFamilies.edges[0].cursor, 'base64').toString()) as [string, string];
  const positions: Position[] = [];
  let after: string | null = null;
  for (;;) {
    const text = await ours('', JSON.stringify({ query: POSITIONS, variables: { after } }));
    const { nodes, pageInfo } = JSON.parse(text).data.families as {
      nodes: { id: string }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
    if (!pageInfo.hasNextPage) return positions;
    after = pageInfo.endCursor;
    const key = decodeId((nodes.at(-1) as { id: string }).id).key;
    positions.push({ key, cursor: after, peer: Buffer.from(JSON.stringify([digest, key])).toString('base64') });
  }
}
