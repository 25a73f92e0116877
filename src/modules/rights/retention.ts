/** When a family's record is due to be erased: the longest that any of its children's records is kept. */

export type FromEvent = 'ADOPTION_ORDER' | 'BIRTH' | 'CLOSURE' | 'REQUEST';
export type RetentionCode = 'ADOPTION' | 'LOOKED_AFTER' | 'CHILD_PROTECTION' | 'CHILD_IN_NEED' | 'EARLY_HELP' | 'ERASURE_REQUEST';

/** Days are ISO. */
export type Rule = { code: string; version: string; years: number | null; fromEvent: FromEvent };

/** What a family's record says of itself. */
export type RecordFacts = {
  /** Null: it is not closed, and nothing of it is due. */
  closedOn: string | null;
  /** Of each adopted child, the day of the order. */
  adoptedOn: string[];
  lookedAfter: boolean;
  childProtection: boolean;
  childInNeed: boolean;
  /** Births of those who were children when it was closed; null: not known. */
  births: (string | null)[];
};

/** The kind of record: the one that is kept longest of those that it is. */
export function recordKind(facts: RecordFacts): RetentionCode {
  if (facts.adoptedOn.length > 0) return 'ADOPTION';
  if (facts.lookedAfter) return 'LOOKED_AFTER';
  if (facts.childProtection) return 'CHILD_PROTECTION';
  return facts.childInNeed ? 'CHILD_IN_NEED' : 'EARLY_HELP';
}

/** A day some years later; 29 February becomes 1 March, so that nothing is erased a day early. */
export function yearsAfter(day: string, years: number): string {
  const [year, month, date] = day.split('-').map(Number) as [number, number, number];
  return new Date(Date.UTC(year + years, month - 1, date)).toISOString().slice(0, 10);
}

/** From which day a record may be erased; null: nobody can say, or it is not for a rule to say. */
export function dueOn(rule: Rule, facts: RecordFacts): string | null {
  const { years } = rule;
  if (facts.closedOn === null || years === null) return null;
  const from = {
    ADOPTION_ORDER: facts.adoptedOn,
    BIRTH: facts.births,
    CLOSURE: [facts.closedOn],
    REQUEST: [],
  }[rule.fromEvent];
  // A child whose birth is not known may be the youngest: nothing is due before somebody has found out.
  if (from.length === 0 || from.some((day) => day === null)) return null;
  const latest = (from as string[]).reduce((a, b) => (a > b ? a : b));
  const due = yearsAfter(latest, years);
  return due > facts.closedOn ? due : facts.closedOn;
}
