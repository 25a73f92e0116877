/**
 * k-anonymity of rows about people before they are given away: what is known of a person from elsewhere (the
 * quasi-identifiers) fits at least k persons among them, or none. Pure. The ladder is data: each step makes one column coarser
 * for everybody, in the order in which it costs the recipient least; who is still alone at its end is left out.
 *
 * A person may have several rows (a child enters two cohorts). Whoever knows one of them may know all, so it is a person's
 * rows together that k persons have in common. Sweeney 2002, doi 10.1142/S0218488502001648; diversity of what is learnt of a
 * group: Machanavajjhala 2007, doi 10.1145/1217299.1217302, reported and not enforced.
 */

export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

/** QUARTER, YEAR: an ISO day becomes the first of its calendar quarter or year. BAND: a number, the first of its band of `width`. */
export type Step = { column: string } & ({ to: 'QUARTER' | 'YEAR' } | { to: 'BAND'; width: number } | { to: 'VALUE'; value: Value });

export type AnonymityRules = {
  k: number;
  /** The column that says whose row it is. */
  person: string;
  /** Columns that somebody may know from elsewhere. */
  known: string[];
  /** The column that nobody is to learn of a person, whose variety within a group is reported. */
  learnt: string;
  ladder: Step[];
  /** The share of persons that may be left out (0 to 1) before another step is taken. */
  leaveOut: number;
};

export type AnonymityReport = {
  /** Persons of the smallest group of those given; 0: nobody is left. */
  smallestGroup: number;
  /** Persons alone in their group, as the rows came. */
  unique: number;
  /** Steps taken: `entered QUARTER`. */
  generalised: string[];
  withheldRows: number;
  /** The fewest different values of `learnt` within a group. */
  leastVariety: number;
  passed: boolean;
};

function coarser(value: Value, step: Step): Value {
  if (step.to === 'VALUE') return step.value;
  if (value === null) return null;
  if (step.to === 'BAND') {
    if (!(step.width > 0)) throw new RangeError(`a band of ${step.width}`);
    return Math.floor(Number(value) / step.width) * step.width;
  }
  const [, year, month] = /^(\d{4})-(\d\d)-\d\d$/.exec(String(value)) ?? [];
  if (year === undefined || month === undefined) throw new RangeError(`${step.column} holds no day`);
  const first = step.to === 'YEAR' ? 1 : Math.floor((Number(month) - 1) / 3) * 3 + 1;
  return `${year}-${String(first).padStart(2, '0')}-01`;
}

/** Persons with their rows, by what may be known of them. */
function groupsOf(rows: Row[], { person, known }: AnonymityRules): Row[][][] {
  const persons = Map.groupBy(rows, (row) => row[person] ?? null);
  const signature = (own: Row[]) => JSON.stringify(own.map((row) => JSON.stringify(known.map((column) => row[column] ?? null))).sort());
  return [...Map.groupBy(persons.values(), signature).values()];
}

/**
 * Makes rows coarser, step by step, until so few persons are in groups of less than k that they can be left out.
 *
 * @param rows flat, with the columns that the rules name; every row has its person.
 * @returns the rows that may be given, in the order they came, and what was done to them.
 * @throws RangeError where a step does not fit its column.
 */
export function anonymise(rows: Row[], rules: AnonymityRules): { rows: Row[]; report: AnonymityReport } {
  const isSmall = (group: Row[][]) => group.length < rules.k;
  const steps = [...rules.ladder];
  const generalised: string[] = [];
  let given = rows;
  let groups = groupsOf(given, rules);
  const unique = groups.filter((group) => group.length === 1).length;
  const persons = groups.flat().length;
  while (groups.filter(isSmall).flat().length > rules.leaveOut * persons) {
    const step = steps.shift();
    if (step === undefined) break;
    given = given.map((row) => ({ ...row, [step.column]: coarser(row[step.column] ?? null, step) }));
    generalised.push(`${step.column} ${step.to}`);
    groups = groupsOf(given, rules);
  }
  const kept = groups.filter((group) => !isSmall(group));
  const left = new Set(
    groups
      .filter(isSmall)
      .flat(2)
      .map((row) => row[rules.person]),
  );
  const stays = given.filter((row) => !left.has(row[rules.person]));
  const variety = kept.map((group) => new Set(group.flat().map((row) => row[rules.learnt] ?? null)).size);
  return {
    rows: stays,
    report: {
      smallestGroup: kept.length === 0 ? 0 : Math.min(...kept.map((group) => group.length)),
      unique,
      generalised,
      withheldRows: rows.length - stays.length,
      leastVariety: kept.length === 0 ? 0 : Math.min(...variety),
      passed: kept.length > 0,
    },
  };
}
