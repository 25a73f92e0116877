/** The same questions in the words of the schema that PostGraphile makes of the tables. */

const MEMBER = `nodes { rowId from person personByPerson { personIdentityByPerson { givenName familyName dateOfBirth } } }`;

const WHOLE = `
fragment Whole on Family {
  rowId
  familyNameByFamily { reference name }
  familyStageByFamily { stage }
  membershipsByFamily { ${MEMBER} }
  unbornMembershipsByFamily { ${MEMBER} }
  plansByFamily { nodes { rowId kind status started nextReviewDue person } }
  workbookEntriesByFamily(first: 5, orderBy: [OCCURRED_AT_DESC, ROW_ID_DESC]) {
    nodes { rowId module occurredAt author narrative workbookReadingsByEntryAndFamilyAndController { nodes { stageOfChange capacityForChange person } } }
  }
  interventionsByFamily(first: 20) {
    nodes {
      rowId
      interventionLinkByInterventionAndFamilyAndPersonAndController { programmeByProgramme { code name } organisationByProvider { name } }
      interventionProgressByIntervention { status sessions }
    }
  }
}`;

export const FAMILY_OF_PEER = `query Family($id: BigInt!) { familyByRowId(rowId: $id) { ...Whole } }${WHOLE}`;
export const PAGE_OF_PEER = `query Page($after: Cursor) { allFamilies(first: 20, after: $after) { nodes { ...Whole } pageInfo { hasNextPage endCursor } } }${WHOLE}`;
export const FLAT_OF_PEER = `query Flat($after: Cursor) { allFamilies(first: 100, after: $after) { nodes { rowId familyNameByFamily { reference name } familyStageByFamily { stage } } pageInfo { hasNextPage endCursor } } }`;
