/**
 * What changed between the first and the latest reading of one tool and person, in SQL: among the readings that the
 * request may see, and only by a rule that the tool states.
 */
import type { Subquery } from '../../read/binding.ts';
import { toolReading } from './tables.ts';

const sameSeries = (row: string, other: string) =>
  `${other}.family = ${row}.family and ${other}.tool = ${row}.tool and ${other}.person is not distinct from ${row}.person and not ${other}.withdrawn`;

const standing = (row: string) => `(${row}.read_on, ${row}.id)`;

/**
 * A reading that has an earlier one beside it and no later one.
 *
 * @param counts SQL of what makes another reading one that counts, by its alias.
 */
export function isLatest(row: string, sub: Subquery, counts: (other: string) => string = () => 'true'): string {
  const other = (alias: string, sign: '<' | '>') =>
    `exists (select ${sub(toolReading, alias)} and ${sameSeries(row, alias)} and ${counts(alias)} and ${standing(alias)} ${sign} ${standing(row)})`;
  return `${other('before', '<')} and not ${other('after', '>')}`;
}

const reckoned = (row: string) => `case rules.reckoned_on when 'METRIC' then ${row}.metric else ${row}.total end`;

/** Something of the change from the first reading to this one (`moved.change`), by the rule of the tool (`rules`). */
function ofChange(what: string) {
  return (row: string, sub: Subquery): string =>
    `(select ${what} from fsp.tool rules
      cross join lateral (select began.metric, began.total ${sub(toolReading, 'began')} and ${sameSeries(row, 'began')} order by began.read_on, began.id limit 1) opening
      cross join lateral (select (${reckoned(row)}) - (${reckoned('opening')}) as change) moved
      where rules.id = ${row}.tool and rules.change_at_least is not null and moved.change is not null)`;
}

export const changeSql = ofChange('moved.change::text');
export const meaningfulSql = ofChange('abs(moved.change) >= rules.change_at_least');
export const ruleSql = ofChange('rules.change_rule');
export const directionSql = ofChange(
  `case when moved.change = 0 then 'UNCHANGED' when (moved.change > 0) = (rules.higher = 'BETTER') then 'BETTER' else 'WORSE' end`,
);
