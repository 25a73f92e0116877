/** What is asked: one family with everything a visit needs, and a page of twenty such families. */

const WHOLE = `
fragment Whole on Family {
  id
  reference
  name
  stage
  members { person { id givenName familyName dateOfBirth } from }
  plans { id kind status started nextReviewDue person { id } }
  workbook(first: 5) {
    nodes { id module occurred author narrative readings { stageOfChange capacityForChange person { id } } }
  }
  interventions(first: 20) {
    nodes { id programme { code name } provider { name } status sessions }
  }
}`;

export const FAMILY = `query Family($id: ID!) { family(id: $id) { ...Whole } }${WHOLE}`;
export const PAGE = `query Page($after: String) { families(first: 20, after: $after) { nodes { ...Whole } pageInfo { hasNextPage endCursor } } }${WHOLE}`;
/** Only to learn cursors: the hundred families after a position. */
export const POSITIONS = `query Positions($after: String) { families(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`;
