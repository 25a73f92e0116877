/** What is asked: one family with everything a visit needs, a page of twenty such families, and a hundred of a list. */

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
export const FLAT = `query Flat($after: String) { families(first: 100, after: $after) { nodes { id reference name stage } pageInfo { hasNextPage endCursor } } }`;
/** Only to learn cursors: the hundred families after a position. */
export const POSITIONS = `query Positions($after: String) { families(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`;
/** The one write: a visit, put into the Workbook. */
export const ADD_ENTRY = `mutation AddEntry($input: AddWorkbookEntryInput!) { addWorkbookEntry(input: $input) { entry { id } userErrors { code message path } } }`;
