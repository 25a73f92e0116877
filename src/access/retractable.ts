/**
 * Tables whose rows can be taken out of the record as wrong (`retractEntry`), with everything that belongs to them. A noun
 * is added by its line here. What is no row of somebody's own, or what people are safe by (a condition, an agreement on safe
 * working), is ended and not taken out.
 */
export const RETRACTABLE = [
  'workbook_entry',
  'contact',
  'incident',
  'child_voice',
  'adult_voice',
  'decision',
  'meeting',
  'trusted_adult',
  'visit',
] as const;

/** Rows of these stand by themselves: what they hang on is not taken out beneath them. */
export const STAND_BY_THEMSELVES = ['safe_working_agreement', 'plan', 'episode'] as const;

/** The GraphQL type of a table's rows, by the naming that clocks and tasks follow in the database. */
export const typeOfTable = (table: string): string =>
  table
    .split('_')
    .map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`)
    .join('');
