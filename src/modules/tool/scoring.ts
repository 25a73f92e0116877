/**
 * What the answers to a tool come to. Pure: a tool is data (`reference/england/tools.json`), and so are its bands, its
 * thresholds and its conversion. Answers are counted and forgotten.
 */

export type Band = { code: string; lowest: string; highest: string };
export type Domain = { code: string; parent: string | null };

/** What of a tool its scoring needs. */
export type ToolRules = {
  code: string;
  scoring: 'ANSWERS' | 'TOTAL' | 'DOMAINS';
  items: number | null;
  itemMinimum: number | null;
  itemMaximum: number | null;
  minimum: number | null;
  maximum: number | null;
  higher: 'BETTER' | 'WORSE';
  threshold: number | null;
  reckonedOn: 'TOTAL' | 'METRIC';
  bands: Band[];
  domains: Domain[];
  metric: { raw: number; metric: string }[];
};

export type Answers = {
  answers?: readonly number[] | null;
  /** DASH: YES, NO or UNKNOWN. */
  checks?: readonly string[] | null;
  total?: number | null;
  domains?: readonly { code: string; score: number }[] | null;
};

/** What is wrong with what was given, and where. */
export type ScoringFault = { message: string; path: (string | number)[] };

export type Score = {
  total: number | null;
  /** Two decimals. */
  metric: string | null;
  band: string | null;
  /** Whether the tool's threshold is reached; null for a tool without one. */
  atThreshold: boolean | null;
  domains: { code: string; score: number }[];
  /** PHQ-9: its ninth item was answered with more than "not at all". */
  alert: boolean;
};

/** PHQ-9's item about being better off dead. */
const ALERT_ITEM: Readonly<Record<string, number>> = { PHQ9: 8 };

/** Tools whose items are answered YES, NO or UNKNOWN, and whose total is the number of YES. */
const isChecklist = (tool: ToolRules): boolean => tool.scoring === 'ANSWERS' && tool.itemMinimum === null;

const FIELDS = { ANSWERS: 'answers', TOTAL: 'total', DOMAINS: 'domains' } as const;

/** The one field of an input that a tool is scored from. */
const fieldOf = (tool: ToolRules) => (isChecklist(tool) ? 'checks' : FIELDS[tool.scoring]);

/** The band in which a score lies: both ends are in it. @param score two decimals. */
export function bandOf(bands: readonly Band[], score: number): string | null {
  return bands.find(({ lowest, highest }) => score >= Number(lowest) && score <= Number(highest))?.code ?? null;
}

/** The metric score of a raw total; null for a tool without a table, or a total that is not in it. */
export function metricOf(tool: Pick<ToolRules, 'metric'>, total: number): string | null {
  return tool.metric.find(({ raw }) => raw === total)?.metric ?? null;
}

/** Everything that is wrong with what was given for this tool. */
export function answerFaults(tool: ToolRules, given: Answers): ScoringFault[] {
  const faults: ScoringFault[] = [];
  const fault = (message: string, ...path: (string | number)[]) => faults.push({ message, path });
  const field = fieldOf(tool);
  for (const other of ['answers', 'checks', 'total', 'domains'] as const) {
    if (other !== field && given[other] !== null && given[other] !== undefined) {
      fault(`${tool.code} is not scored from ${other}; give ${field}.`, other);
    }
  }
  if (given[field] === null || given[field] === undefined) {
    fault(`${tool.code} is scored from ${field}.`, field);
    return faults;
  }
  if (field === 'answers') itemFaults(tool, given.answers as readonly number[], fault);
  else if (field === 'checks') checkFaults(tool, given.checks as readonly string[], fault);
  else if (field === 'total') totalFaults(tool, given.total as number, fault);
  else domainFaults(tool, given.domains as readonly { code: string; score: number }[], fault);
  return faults;
}

type Fault = (message: string, ...path: (string | number)[]) => void;

function itemFaults(tool: ToolRules, answers: readonly number[], fault: Fault): void {
  const [low, high] = [tool.itemMinimum as number, tool.itemMaximum as number];
  if (answers.length !== tool.items) {
    fault(`${tool.code} has ${tool.items} answers, each from ${low} to ${high}; it is scored only when all are given.`, 'answers');
  }
  answers.forEach((answer, i) => {
    if (answer < low || answer > high) fault(`Must be from ${low} to ${high}.`, 'answers', i);
  });
}

function checkFaults(tool: ToolRules, checks: readonly string[], fault: Fault): void {
  if (checks.length !== tool.items) fault(`${tool.code} has ${tool.items} answers: YES, NO or UNKNOWN.`, 'checks');
}

function totalFaults(tool: ToolRules, total: number, fault: Fault): void {
  if (total < (tool.minimum as number) || total > (tool.maximum as number)) {
    fault(`Must be from ${tool.minimum} to ${tool.maximum}.`, 'total');
  }
}

function domainFaults(tool: ToolRules, domains: readonly { code: string; score: number }[], fault: Fault): void {
  const [low, high] = [tool.itemMinimum as number, tool.itemMaximum as number];
  const parents = new Set(tool.domains.flatMap(({ parent }) => parent ?? []));
  const known = tool.domains.filter(({ code }) => !parents.has(code)).map(({ code }) => code);
  const seen = new Set<string>();
  if (domains.length === 0) fault(`${tool.code} has a score for each of: ${known.join(', ')}; give those there are.`, 'domains');
  domains.forEach(({ code, score }, i) => {
    if (parents.has(code)) fault(`${code} is worked out from its parts: give those.`, 'domains', i, 'code');
    else if (!known.includes(code)) fault(`${tool.code} has no ${code}; it has ${known.join(', ')}.`, 'domains', i, 'code');
    if (seen.has(code)) fault(`${code} is given twice.`, 'domains', i, 'code');
    seen.add(code);
    if (score < low || score > high) fault(`Must be from ${low} to ${high}.`, 'domains', i, 'score');
  });
}

/** The scores of a tool's domains, and of those that are driven by the worst of their parts. */
export function domainScores(tool: ToolRules, given: readonly { code: string; score: number }[]): { code: string; score: number }[] {
  const worst = tool.higher === 'WORSE' ? Math.max : Math.min;
  const scores = new Map(given.map(({ code, score }) => [code, score]));
  for (const area of new Set(tool.domains.flatMap(({ parent }) => parent ?? []))) {
    const parts = tool.domains.flatMap(({ code, parent }) => (parent === area ? (scores.get(code) ?? []) : []));
    if (parts.length > 0) scores.set(area, worst(...parts));
  }
  return tool.domains.flatMap(({ code }) => (scores.has(code) ? [{ code, score: scores.get(code) as number }] : []));
}

/** The score of what was given; call it for what has no faults. */
export function score(tool: ToolRules, given: Answers): Score {
  const none = { metric: null, band: null, atThreshold: null, domains: [], alert: false };
  if (tool.scoring === 'DOMAINS') return { ...none, total: null, domains: domainScores(tool, given.domains ?? []) };
  const total = isChecklist(tool)
    ? (given.checks ?? []).filter((check) => check === 'YES').length
    : tool.scoring === 'ANSWERS'
      ? (given.answers ?? []).reduce((sum, answer) => sum + answer, 0)
      : (given.total as number);
  const metric = metricOf(tool, total);
  const alertItem = ALERT_ITEM[tool.code];
  return {
    ...none,
    total,
    metric,
    band: bandOf(tool.bands, tool.reckonedOn === 'METRIC' && metric !== null ? Number(metric) : total),
    atThreshold: tool.threshold === null ? null : total >= tool.threshold,
    alert: alertItem !== undefined && (given.answers?.[alertItem] ?? 0) > 0,
  };
}

/** What raised a level above what the score gives. */
export type Raise = { band: string; by: 'JUDGEMENT' | 'ESCALATION' };

/**
 * A level that people raised. Professional judgement, and an escalation of what happens, may raise what the score gives
 * and never lower it.
 *
 * @param bands from the lowest to the highest.
 */
export function raised(bands: readonly Band[], scored: string, raise: Raise | null): { band: string; raisedBy: Raise['by'] | null } | null {
  if (!raise) return { band: scored, raisedBy: null };
  const place = (code: string) => bands.findIndex((band) => band.code === code);
  if (place(raise.band) < place(scored)) return null;
  return raise.band === scored ? { band: scored, raisedBy: null } : { band: raise.band, raisedBy: raise.by };
}

const hundredths = (value: string) => Math.round(Number(value) * 100);

/** What is wrong with a tool as data: bands that leave a gap, a table that does not cover the range. Null where nothing is. */
export function toolFault(tool: ToolRules & { changeAtLeast: string | null; changeRule: string | null }): string | null {
  if ((tool.changeAtLeast === null) !== (tool.changeRule === null)) return 'a change has a least difference and a rule, or neither.';
  const [first, last] = [tool.bands[0], tool.bands.at(-1)];
  const step = tool.reckonedOn === 'METRIC' ? 1 : 100;
  if (tool.bands.some((band, i) => i > 0 && hundredths(band.lowest) !== hundredths((tool.bands[i - 1] as Band).highest) + step)) {
    return 'its bands must follow one another without a gap.';
  }
  const [low, high] =
    tool.reckonedOn === 'METRIC' ? [tool.metric[0]?.metric, tool.metric.at(-1)?.metric].map(Number) : [tool.minimum, tool.maximum];
  if (first && last && (Number(first.lowest) !== low || Number(last.highest) !== high)) return 'its bands must cover its range.';
  if (tool.metric.length > 0 && tool.metric.some(({ raw }, i) => raw !== (tool.minimum as number) + i)) {
    return 'its metric table must give every total of its range, in order.';
  }
  if (tool.metric.length > 0 && tool.metric.at(-1)?.raw !== tool.maximum) return 'its metric table must end with its highest total.';
  return null;
}
