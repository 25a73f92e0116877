/** From what the published document answered to pictures, each with its words and the table behind it. Nothing comes from anywhere else. */
import type { OutcomesPageFigureFragment, OutcomesPageQuery } from '../graphql/operations/graphql.ts';
import { bars, flow, type Line, type Link, lines } from './pictures.ts';

/** What is asked for: filled into the form, or standing in the address. */
export type OutcomesForm = {
  period: 'MONTH' | 'QUARTER' | 'YEAR';
  /** A district's ONS code; empty: the whole county. */
  district: string;
  /** The last month of the last quarter that is shown, as `2026-09`; empty: of the latest. */
  until: string;
  /** As whom a reader without a token asks, where that may be chosen. */
  as: string;
};

/** A number as it was answered, or words. */
export type Cell = string | { number: string };

export type Picture = {
  /** In its address: `framework-open-cases`. */
  name: string;
  title: string;
  /** One sentence: what it shows. */
  caption: string;
  /** The same for who does not see it. */
  alt: string;
  /** What stands beside it: what others published, where the numbers are from. */
  notes: readonly string[];
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
  draw: () => Promise<string>;
};

export type Section = {
  id: string;
  title: string;
  about: string;
  /** With a heading where there are several. */
  groups: readonly { title: string; pictures: readonly Picture[]; without: readonly string[] }[];
};

/** The answer; of a list that came in pages, all of them. */
export type Asked = OutcomesPageQuery;
type Indicator = NonNullable<NonNullable<Asked['outcomeIndicators']>['nodes']>[number];
type Trajectory = NonNullable<Asked['trajectories']>[number];
type Need = NonNullable<Asked['triggerTrioNeed']>[number];
type Figure = OutcomesPageFigureFragment;

export const WITHHELD = 'withheld (small figures)';
const GROUPS = {
  CHILDREN_AND_YOUNG_PEOPLE: 'Children and young people',
  PARENTAL: 'Parents',
  PARTNERSHIP: 'Partnership',
  PROCESS: 'Process',
} as const;
const CONCERNS = {
  PARENTAL_MENTAL_HEALTH: 'Parental mental health',
  SUBSTANCE_MISUSE: 'Substance misuse',
  DOMESTIC_ABUSE: 'Domestic abuse',
} as const;
const LEVELS = { ESTIMATE: 'Estimate', IN_SERVICE: 'In service', SOCIAL_CARE: 'Known to social care' } as const;
const BY = { MONTH: 'by month', QUARTER: 'by quarter', YEAR: 'by year' } as const;

const month = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' });
const shortMonth = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
const dateOf = (text: string) => new Date(`${text}T00:00:00Z`);
export const dayInWords = (text: string): string => day.format(dateOf(text));

/** A period in words: `Sep 2026`, `Jul to Sep 2026`, `2025/26`. */
export function periodInWords(period: OutcomesForm['period'], from: string, to: string): string {
  if (period === 'MONTH') return month.format(dateOf(from));
  if (period === 'QUARTER') return `${shortMonth.format(dateOf(from))} to ${month.format(dateOf(to))}`;
  return `${from.slice(0, 4)}/${to.slice(2, 4)}`;
}

/** Why there is no number, in words. */
const without = (marker: string | null): string =>
  marker === 'z' ? 'nothing to work out' : marker === ':' || marker === null ? 'not known' : WITHHELD;
const isWithheld = ({ value, marker }: Pick<Figure, 'value' | 'marker'>) => value === null && without(marker) === WITHHELD;
const cell = (value: string | number | null | undefined, otherwise: string): Cell =>
  value === null || value === undefined ? otherwise : { number: String(value) };
const asNumber = (value: string | null): number | null => (value === null ? null : Number(value));

/** A number as people write it: its digits in threes. */
export const inWords = (value: string): string =>
  value.replace(/^(-?)(\d{4,})(?=\.|$)/, (_, sign, digits) => `${sign}${digits.replace(/\B(?=(?:\d{3})+$)/g, ',')}`);

const LENGTHS = ['MONTH', 'QUARTER', 'YEAR'] as const;

/** The figures of the period that was asked for, or of the shortest that the indicator has. */
function figuresOf(indicator: Indicator, asked: OutcomesForm['period']): { period: OutcomesForm['period']; figures: readonly Figure[] } {
  const own = indicator.period ?? 'MONTH';
  const period = LENGTHS[Math.max(LENGTHS.indexOf(asked), LENGTHS.indexOf(own))] ?? asked;
  return { period, figures: { MONTH: indicator.months, QUARTER: indicator.quarters, YEAR: indicator.years }[period] ?? [] };
}

/** What a result that was published of others would be here: the first figure that is shown, changed by as much. */
function bandOf(indicator: Indicator, figures: readonly Figure[]) {
  const first = figures.find(({ value }) => value !== null);
  const changed = (indicator.benchmarks ?? []).flatMap(({ changePercent, body }) =>
    changePercent === null || body === null ? [] : [{ body, by: Number(changePercent) }],
  );
  const [of] = changed;
  if (!of || !first || Number(first.value) === 0) return null;
  const values = changed.filter(({ body }) => body === of.body).map(({ by }) => Number((Number(first.value) * (1 + by / 100)).toFixed(1)));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return indicator.kind === 'PROPORTION' && high > 100 ? null : { name: `as ${of.body} changed`, low, high };
}

function ofIndicator(indicator: Indicator, form: OutcomesForm, place: string): Picture | null {
  const { period, figures: all } = figuresOf(indicator, form.period);
  const figures = form.district === '' ? all : all.filter(({ first }) => first === form.district);
  const shown = figures.filter(({ value }) => value !== null);
  const withheld = figures.filter(isWithheld).length;
  if (shown.length + withheld === 0) return null;
  const [title, unit] = [indicator.name ?? '', indicator.unit ?? ''];
  const at = figures.map(({ from, to }) => periodInWords(period, from ?? '', to ?? ''));
  const [first, last] = [at[0] ?? '', at.at(-1) ?? ''];
  const told = (figure: Figure) => `${inWords(figure.value ?? '')} in ${at[figures.indexOf(figure)]}`;
  const target = figures.findLast(({ target: value }) => value !== null)?.target ?? null;
  const ends = [...new Set([...shown.slice(0, 1), ...shown.slice(-1)])].map(told).join(', ');
  const gone = withheld > 0 && `withheld: ${withheld} of ${figures.length} figures`;
  const words = [ends, target && `the target is ${inWords(target)}`, gone].filter(Boolean).join('; ');
  const [lowest, highest] = [...shown]
    .sort((a, b) => Number(a.value) - Number(b.value))
    .flatMap((each, i, all) => (i === 0 || i === all.length - 1 ? [told(each)] : []));
  const band = bandOf(indicator, figures);
  const ofSome = indicator.kind !== 'COUNT';
  const none = (figure: Figure) => without(figure.marker);
  return {
    name: `framework-${indicator.code}`,
    title,
    caption: `${title} (${unit}) of ${place}, ${BY[period]}, ${first} to ${last}: ${words}.`,
    alt: `A line of ${figures.length} periods${highest ? `; lowest ${lowest}, highest ${highest}` : ''}${withheld > 0 ? `; ${withheld} withheld` : ''}. The table behind it has every figure.`,
    notes: [
      ...(indicator.definition ? [indicator.definition] : []),
      ...(indicator.benchmarks ?? []).map(
        ({ body, period: when, asPrinted, edition }) =>
          `${body}, ${when}, ${edition === 'EVALUATION' ? 'by its evaluation' : 'by the papers'}: ${asPrinted}`,
      ),
      ...(band
        ? [
            `The band “${band.name}” is the first figure that is shown, changed by as much: ${band.low === band.high ? band.low : `${band.low} to ${band.high}`}.`,
          ]
        : []),
    ],
    head: ['Period', `Value (${unit})`, ...(ofSome ? ['Numerator', 'Denominator'] : []), 'Target', 'A year before', 'Change in %'],
    rows: figures.map((figure, i) => [
      at[i] as string,
      cell(figure.value, none(figure)),
      ...(ofSome ? [cell(figure.numerator, none(figure)), cell(figure.denominator, none(figure))] : []),
      cell(figure.target, 'no target'),
      cell(figure.yearBefore, 'not shown'),
      cell(figure.changePercent, 'not shown'),
    ]),
    draw: () =>
      lines({
        title,
        unit: `${unit}, ${BY[period]}, ${place}`,
        at,
        days: false,
        lines: [
          { name: 'Figure', look: 'figure', values: figures.map(({ value }) => asNumber(value)) },
          ...(target === null
            ? []
            : [{ name: 'Target', look: 'target', values: figures.map((figure) => asNumber(figure.target)) } as const]),
        ],
        withheld: figures.flatMap((figure, i) => (isWithheld(figure) ? [i] : [])),
        band,
        fromZero: indicator.kind === 'COUNT' || indicator.kind === 'RATE',
        whole: indicator.kind === 'COUNT',
        wide: false,
      }),
  };
}

function ofTrajectory({ measure, name, continuedBy, points }: Trajectory, indicators: readonly Indicator[]): Picture {
  const days = (points ?? []).filter((point): point is typeof point & { at: string } => point.at !== null);
  const at = days.map((point) => point.at);
  /** The number of the day is the county's own, or would be. */
  const isOwn = ({ marker, computed }: (typeof days)[number]) => marker !== null || computed?.includes('actual') === true;
  const columns = [
    ['If nothing were changed', 'unchanged', 'asIs'],
    ['With the model (FSM 1)', 'modelFree', 'fsm1'],
    ['With the model (FSM 2)', 'model', 'fsm2'],
    ['Target', 'meant', 'target'],
    ['Adjusted target', 'adjusted', 'adjustedTarget'],
    ['Actual, as printed', 'printed', 'actual'],
  ] as const;
  const printed = (point: (typeof days)[number], field: (typeof columns)[number][2]) =>
    field === 'actual' && isOwn(point) ? null : point[field];
  const drawn = columns.flatMap(([label, look, field]): Line[] => {
    const values = days.map((point) => printed(point, field));
    return values.every((value) => value === null) ? [] : [{ name: label, look, values, sparse: true }];
  });
  const counted = days.map((point) => (isOwn(point) ? point.actual : null));
  const withheld = days.flatMap((point, i) => (isOwn(point) && point.actual === null ? [i] : []));
  const own = days.filter(isOwn).length;
  const reached = days.findLast((point) => printed(point, 'actual') !== null);
  const last = counted.findLastIndex((value) => value !== null);
  const words = [
    reached && `${reached.actual} on ${dayInWords(reached.at)}${reached.target === null ? '' : `, when the target was ${reached.target}`}`,
    last >= 0 && `counted here ${counted[last]} on ${dayInWords(at[last] as string)}`,
    withheld.length > 0 && `withheld: ${withheld.length} of ${own} figures counted here`,
  ].filter(Boolean);
  const title = name ?? '';
  const reason = days.find(({ adjustedReason }) => adjustedReason !== null)?.adjustedReason;
  return {
    name: `trajectory-${(measure ?? '').toLowerCase().replaceAll('_', '-')}`,
    title,
    caption: `${title} of the whole county: how many were expected, were meant to be and were${words.length > 0 ? `; ${words.join('; ')}` : ''}.`,
    alt: `${drawn.length + (own > 0 ? 1 : 0)} lines from ${at[0] ? dayInWords(at[0]) : ''} to ${at.length > 0 ? dayInWords(at.at(-1) as string) : ''}: ${drawn.map((line) => line.name.toLowerCase()).join('; ')}. The table behind it has every number.`,
    notes: [
      'FSM 1 is 5% less every year, growing with the population; FSM 2 the same, and never below the top of the neighbours’ lowest quartile.',
      ...(reason ? [`The target was adjusted: ${reason}.`] : []),
    ],
    head: ['Day', ...columns.map(([label]) => label), 'Actual, counted here', 'Source'],
    rows: days.map((point) => {
      const worked = columns.flatMap(([label, , field]) =>
        field !== 'actual' && point.computed?.includes(field) ? [label.toLowerCase()] : [],
      );
      return [
        dayInWords(point.at),
        ...columns.map(([, , field]) => cell(printed(point, field), 'not printed')),
        isOwn(point) ? cell(point.actual, without(point.marker)) : 'not counted',
        [point.source, worked.length > 0 && `worked out: ${worked.join(', ')}`].filter(Boolean).join('; '),
      ];
    }),
    draw: () =>
      lines({
        title,
        unit: `${indicators.find(({ code }) => code === continuedBy)?.unit ?? 'children'}, whole county`,
        at,
        days: true,
        lines: [
          ...drawn,
          ...(counted.some((value) => value !== null) ? [{ name: 'Actual, counted here', look: 'figure', values: counted } as const] : []),
        ],
        withheld,
        band: null,
        fromZero: false,
        whole: true,
        wide: true,
      }),
  };
}

function ofConcern(
  concern: keyof typeof CONCERNS,
  needs: readonly Need[],
  districts: readonly { code: string; name: string }[],
): Picture | null {
  const of = needs.filter((need) => need.concern === concern && need.pictured);
  const ranks = Object.keys(LEVELS);
  const kinds = [...new Map(of.map((need) => [need.code, need])).values()].sort(
    (a, b) => ranks.indexOf(a.level ?? '') - ranks.indexOf(b.level ?? ''),
  );
  if (kinds.length === 0) return null;
  const places = [{ code: null, name: 'Whole county' }, ...districts];
  const at = (kind: Need, code: string | null) => of.find((need) => need.code === kind.code && (need.district?.code ?? null) === code);
  const title = CONCERNS[concern];
  const nameOf = ({ level, name }: Need) => `${level ? LEVELS[level] : ''}: ${name}`;
  return {
    name: `trio-${concern.toLowerCase().replaceAll('_', '-')}`,
    title,
    caption: `${title}, as the papers print it, of the whole county: ${kinds.map((kind) => `${(kind.name ?? '').toLowerCase()}, ${inWords(String(at(kind, null)?.value ?? 'not printed'))}`).join('; ')}.`,
    alt: `Bars by place: ${places.map(({ code, name }) => `${name} ${kinds.map((kind) => inWords(String(at(kind, code)?.value ?? 'not printed'))).join(', ')}`).join('; ')}.`,
    notes: [
      'An estimate counts people; a referral or a notification is an event: the bars are not parts of each other.',
      ...kinds.map((kind) => `${nameOf(kind)}: ${[kind.period, kind.method, kind.source].filter(Boolean).join('; ')}.`),
    ],
    head: ['Place', 'What', 'Number', 'Period', 'Source'],
    rows: places.flatMap(({ code, name }) =>
      kinds.map((kind): Cell[] => {
        const need = at(kind, code);
        return [
          name,
          nameOf(kind),
          cell(need?.value, 'not printed'),
          (need ?? kind).period ?? 'not printed',
          (need ?? kind).source ?? 'not printed',
        ];
      }),
    ),
    draw: () =>
      bars({
        title,
        unit: 'as the papers print it, each with its own unit and period',
        groups: places.map(({ name }) => name),
        bars: kinds.map((kind) => ({ name: nameOf(kind), values: places.map(({ code }) => at(kind, code)?.value ?? null) })),
      }),
  };
}

/** The steps between stages as a picture. @param period in words. */
export function ofSteps(links: readonly Link[], period: string, place: string): Picture {
  const title = 'Steps up and down';
  const total = (direction: Link['direction']) =>
    links.reduce((sum, link) => sum + (link.direction === direction ? (link.value ?? 0) : 0), 0);
  const withheld = links.filter(({ value }) => value === null).length;
  const atLeast = (way: Link['direction']) =>
    `${links.some(({ direction, value }) => direction === way && value === null) ? 'at least ' : ''}${inWords(String(total(way)))}`;
  const gone = withheld > 0 ? `; withheld: ${withheld} of ${links.length} ways` : '';
  const way = { UP: 'up', DOWN: 'down' };
  return {
    name: 'flow',
    title,
    caption: `${title} of ${place}, ${period}: ${atLeast('UP')} up and ${atLeast('DOWN')} down${gone}.`,
    alt: `Bands from where they were to where they came: ${links.map(({ from, to, value }) => `${from} to ${to} ${value === null ? WITHHELD : inWords(String(value))}`).join('; ')}.`,
    notes: [],
    head: ['From', 'To', 'Way', 'Steps'],
    rows: links.map(({ from, to, direction, value }) => [from, to, way[direction], cell(value, WITHHELD)]),
    draw: () => flow({ title, unit: `steps, ${period}, ${place}`, links }),
  };
}

/** A kind of plan in words; before the first there was none. */
const planInWords = (kind: string): string =>
  kind === 'NONE' ? 'No plan' : `${kind.slice(0, 1)}${kind.slice(1).toLowerCase().replaceAll('_', ' ')}`;

/** The steps of the latest year that has figures of them, in the whole county; null: none has. */
function stepsOf({ stepsUp, stepsDown }: Asked): { links: Link[]; period: string } | null {
  const all = [
    ...(stepsUp?.series ?? []).map((of) => ({ ...of, direction: 'UP' as const })),
    ...(stepsDown?.series ?? []).map((of) => ({ ...of, direction: 'DOWN' as const })),
  ].filter((figure) => figure.value !== null || isWithheld(figure));
  const latest = all.reduce((year, { from }) => (from !== null && from > year ? from : year), '');
  const year = all.filter(({ from }) => from === latest);
  const links = year.map(({ first, direction, value }): Link => {
    const [from = '', to = ''] = (first ?? '').split('>').map(planInWords);
    return { from, to, direction, value: asNumber(value) };
  });
  return links.length > 0 ? { links, period: periodInWords('YEAR', latest, year[0]?.to ?? '') } : null;
}

/** What the page shows. */
export function sectionsOf(asked: Asked, form: OutcomesForm): Section[] {
  const steps = stepsOf(asked);
  const indicators = asked.outcomeIndicators?.nodes ?? [];
  const districts = (asked.districts ?? []).flatMap(({ code, name }) => (code === null || name === null ? [] : [{ code, name }]));
  const place = districts.find(({ code }) => code === form.district)?.name ?? 'the whole county';
  const isThere = <T>(value: T | null): value is T => value !== null;
  const near = form.district === '' ? districts : districts.filter(({ code }) => code === form.district);
  const alone = (pictures: Picture[]) => [{ title: '', pictures, without: [] }];
  return [
    {
      id: 'framework',
      title: 'The framework',
      about:
        'Each indicator over time, with its target, and what was published of others. What the indicator does not have in the chosen period is shown in its shortest.',
      groups: Object.entries(GROUPS).map(([group, title]) => {
        const of = indicators
          .filter(({ factorGroup }) => factorGroup === group)
          .map((indicator) => ({ indicator, picture: ofIndicator(indicator, form, place) }));
        return {
          title,
          pictures: of.map(({ picture }) => picture).filter(isThere),
          without: of.flatMap(({ indicator, picture }) => (picture === null && indicator.name ? [indicator.name] : [])),
        };
      }),
    },
    {
      id: 'trajectories',
      title: 'Trajectories',
      about:
        'What was expected if nothing were changed, what was meant to be and what was. Printed numbers stay as printed; what is counted here goes on where they end.',
      groups: alone((asked.trajectories ?? []).map((trajectory) => ofTrajectory(trajectory, indicators))),
    },
    {
      id: 'trio',
      title: 'Need, provision and gap, by district',
      about: 'How many are thought to be affected, how many a service sees, how many social care knows, each as the papers print it.',
      groups: alone(
        (Object.keys(CONCERNS) as (keyof typeof CONCERNS)[])
          .map((concern) => ofConcern(concern, asked.triggerTrioNeed ?? [], near))
          .filter(isThere),
      ),
    },
    {
      id: 'steps',
      title: 'Steps up and down',
      about: 'From which kind of plan to which, in the latest year of which there are figures; of the whole county.',
      groups: alone(steps ? [ofSteps(steps.links, steps.period, 'the whole county')] : []),
    },
  ];
}
