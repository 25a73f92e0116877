/** One family as several callers see it, side by side: what the demo prints. */
import type { SideBySideQuery } from '../graphql/operations/graphql.ts';

/** What one caller was answered. */
export type Answered = {
  /** The lines above the caller's column. */
  head: string[];
  data?: { family?: unknown } | null;
  errors?: { message?: string; extensions?: { at?: string; reason?: string; code?: string } }[];
};

/** Label of a row and the path of its field below the family, as the document asks for it. */
type Line = [label: string, path: string];

const LINES: Line[] = [
  ['reference', 'reference'],
  ['name', 'name'],
  ['stage', 'stage'],
  ['lead practitioner', 'leadPractitioner.practitioner'],
  ['services involved', 'involvements'],
  ['members', 'members.person.givenName'],
  ['· role in the family', 'members.role.label'],
  ['· date of birth', 'members.person.dateOfBirth'],
  ['· expected date', 'members.person.expectedDate'],
  ['· ethnicity', 'members.person.ethnicity.label'],
  ['· NHS number', 'members.person.nhsNumber'],
  ['· unique pupil number', 'members.person.upn'],
  ['households: address', 'households.address'],
  ['· who lives there', 'households.members.person.givenName'],
  ['plans: kind', 'plans.kind'],
  ['· category of abuse', 'plans.categoryOfAbuse.label'],
  ['· next review due', 'plans.nextReviewDue'],
  ['Workbook: narrative', 'workbook.nodes.narrative'],
  ['· stage of change', 'workbook.nodes.readings.stageOfChange'],
  ["· a child's words", 'workbook.nodes.childWords.words'],
  ["· a parent's words", 'workbook.nodes.parentWords.words'],
  ['interventions', 'interventions.nodes'],
  ['· programme', 'interventions.nodes.programme.name'],
  ['· provider', 'interventions.nodes.provider.name'],
  ['· status', 'interventions.nodes.status'],
  ['· sessions', 'interventions.nodes.sessions'],
  ['offers: service', 'offers.nodes.service.name'],
  ['· what came of it', 'offers.nodes.outcome'],
];

const NOT_SHARED = 'not shared';
const NOT_FOR_PURPOSE = 'not this purpose';
const NOT_FOR_ROLE = 'not this role';
const WITHHELD = 'withheld';
const NOTHING = '–';

const REFUSED: Record<string, string> = { NOT_FOR_THIS_PURPOSE: NOT_FOR_PURPOSE, NOT_FOR_THIS_ROLE: NOT_FOR_ROLE };

type Found = { values: unknown[]; withheld: number; ownOnly: boolean };

/** Everything at a path below a node, through lists, with what its objects say they withhold. */
function follow(node: unknown, path: string[], found: Found): void {
  if (Array.isArray(node)) {
    for (const each of node) follow(each, path, found);
    return;
  }
  const [field, ...rest] = path;
  if (node === null || node === undefined) return;
  if (field === undefined) {
    found.values.push(node);
    return;
  }
  const object = node as Record<string, unknown> & { withheld?: { field: string }[] };
  const before = found.values.length + found.withheld;
  follow(object[field], rest, found);
  if (!object.withheld?.some((entry) => entry.field === field)) return;
  // A list that is cut to own rows stays a list, empty or not, and is named all the same.
  if (found.values.length + found.withheld === before) found.withheld++;
  else found.ownOnly = true;
}

const short = (value: unknown): string => String(value).replace(/\s+/g, ' ');

/** Values in few characters: the different ones while they fit, then how many more there are. */
function summary(values: unknown[], width: number): string {
  if (typeof values[0] === 'object') return String(values.length);
  const different = [...new Set(values.map(short))];
  const [first] = different as [string];
  if (different.length === 1) return cut(values.length > 1 ? `${values.length} × ${first}` : first, width);
  for (let shown = different.length; shown > 0; shown--) {
    const more = different.length - shown;
    const text = different.slice(0, shown).join(', ') + (more > 0 ? ` +${more}` : '');
    if (text.length <= width) return text;
  }
  const more = ` +${different.length - 1}`;
  return cut(first, width - more.length) + more;
}

const cut = (text: string, width: number) => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);

/** What stands in one cell of the table. */
export function cellOf({ data, errors = [] }: Answered, path: string, width: number): string {
  const at = `family.${path}`;
  const refusal = errors.find(
    ({ extensions }) => extensions?.at !== undefined && (at === extensions.at || at.startsWith(`${extensions.at}.`)),
  );
  if (refusal) return REFUSED[refusal.extensions?.reason ?? ''] ?? NOT_SHARED;
  const family = data?.family as SideBySideQuery['family'];
  if (!family) return NOTHING;
  const found: Found = { values: [], withheld: 0, ownOnly: false };
  follow(family, path.split('.'), found);
  if (found.values.length === 0) return found.withheld > 0 ? WITHHELD : NOTHING;
  const partly = found.withheld > 0 ? ` +${found.withheld} ${WITHHELD}` : found.ownOnly ? ' (own)' : '';
  return summary(found.values, width - partly.length) + partly;
}

const LEGEND = [
  '× and +n: as many values of the same kind, and n more. –: nothing is recorded, or nothing that is there for this caller.',
  `${NOT_SHARED}: never for this agency; ${NOT_FOR_PURPOSE}: not for the purpose in the column's head. Both are null with one FORBIDDEN error.`,
  `${WITHHELD}: for this family or person no decision opens it, or a decision closes it. It is null, and the object's "withheld" names the field. (own): own rows only.`,
];

/** The table of field × caller, within a number of characters a line. */
export function sideBySide(callers: Answered[], columns: number): string {
  const label = Math.max(...LINES.map(([text]) => text.length));
  const width = Math.floor((columns - label) / callers.length) - 2;
  const line = (first: string, cells: string[]) =>
    `${[first.padEnd(label), ...cells.map((text) => cut(text, width).padEnd(width))].join('  ')}`.trimEnd();
  const heights = Math.max(...callers.map(({ head }) => head.length));
  const heads = Array.from({ length: heights }, (_, i) =>
    line(
      '',
      callers.map(({ head }) => head[i] ?? ''),
    ),
  );
  const rule = line(
    '─'.repeat(label),
    callers.map(() => '─'.repeat(width)),
  );
  const rows = LINES.map(([text, path]) =>
    line(
      text,
      callers.map((caller) => cellOf(caller, path, width)),
    ),
  );
  return [...heads, rule, ...rows, rule, ...LEGEND].join('\n');
}
