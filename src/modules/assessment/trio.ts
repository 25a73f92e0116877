/** The trio of concerns that counts most for a child, read from an assessment's factors by a mapping that is data. */
import type { Subquery } from '../../read/binding.ts';
import type { Concern } from './concerns.ts';
import { assessmentFactor, assessmentFinding } from './tables.ts';

/**
 * SQL for the concerns of a row of `trio`: those of its assessment; or, for a family, of the latest completed assessment
 * of each child. One of the whole family stands until the next of the whole family. The mapping is that of the day on
 * which the assessment was authorised.
 */
function concernsOf(row: string, sub: Subquery): string {
  const later = `exists (select ${sub(assessmentFinding, 'later')} and later.family = ${row}.family and later.person is not distinct from found.person and (later.authorised_on, later.assessment) > (found.authorised_on, found.assessment))`;
  return `select mapped.concern from (select found.* ${sub(assessmentFinding, 'found')}) found
    join (select factor.assessment, factor.code ${sub(assessmentFactor, 'factor')} and not factor.withdrawn and factor.family = ${row}.family) has on has.assessment = found.assessment
    join fsp.factor_concern mapped on mapped.factor = has.code and mapped.variant = ${row}.variant
      and mapped.valid_from <= found.authorised_on and (mapped.valid_to is null or mapped.valid_to > found.authorised_on)
    where found.family = ${row}.family
      and (found.assessment = ${row}.assessment or (${row}.assessment is null and not ${later}))`;
}

/** Whether a concern is there. */
export const hasConcern = (concern: Concern) => (row: string, sub: Subquery) =>
  `exists (select from (${concernsOf(row, sub)}) there where there.concern = '${concern}')`;

/** How many of the three are there. */
export const concernCount = (row: string, sub: Subquery) =>
  `(select count(distinct there.concern)::int from (${concernsOf(row, sub)}) there)`;
