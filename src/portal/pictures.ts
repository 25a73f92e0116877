/**
 * Pictures as SVG, drawn here without a browser. What is told by a colour is told by a dash, a mark or a word as well. Nothing in them moves,
 * runs or is loaded; every text is escaped. The library is loaded with the first picture.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { EChartsCoreOption } from 'echarts/core';
import { LIMITS } from '../limits.ts';
import { escapeHtml } from './html.ts';

/** How a line is drawn: each differs from every other in its dash and its mark. */
const LOOKS = {
  figure: { color: '#0b3d91', type: 'solid', width: 2, symbol: 'circle', symbolSize: 6 },
  target: { color: '#a33b00', type: [8, 4], width: 2, symbol: 'none', symbolSize: 0 },
  printed: { color: '#0b3d91', type: 'solid', width: 2, symbol: 'rect', symbolSize: 8 },
  meant: { color: '#a33b00', type: [8, 4], width: 2, symbol: 'diamond', symbolSize: 9 },
  adjusted: { color: '#6a1b7a', type: [8, 3, 2, 3], width: 2, symbol: 'pin', symbolSize: 11 },
  unchanged: { color: '#444444', type: [2, 3], width: 2, symbol: 'triangle', symbolSize: 9 },
  model: { color: '#00594f', type: [14, 4], width: 2, symbol: 'emptyCircle', symbolSize: 8 },
  modelFree: { color: '#5b4a00', type: [4, 2, 1, 2, 1, 2], width: 2, symbol: 'arrow', symbolSize: 9 },
} as const;

export type Line = {
  name: string;
  look: keyof typeof LOOKS;
  /** One for each place of `at`; null: there is none, or it is withheld. */
  values: readonly (number | null)[];
  /** Drawn on over places where it has no value; else these are a gap. */
  sparse?: true;
};

export type LinesPicture = {
  title: string;
  /** What the numbers are, and of which periods. */
  unit: string;
  at: readonly string[];
  /** `at` are days, as far apart as they are; else words, one behind the other. */
  days: boolean;
  lines: readonly Line[];
  /** Places of `at` where the figure is withheld: hatched. */
  withheld: readonly number[];
  band: { name: string; low: number; high: number } | null;
  /** The lowest number of the scale is 0. */
  fromZero: boolean;
  /** There are no halves of it. */
  whole: boolean;
  wide: boolean;
};

export type BarsPicture = {
  title: string;
  unit: string;
  groups: readonly string[];
  /** Null: there is no number. */
  bars: readonly { name: string; values: readonly (number | null)[] }[];
};

/** From where to where so many went. Null: withheld; it is told of, and not drawn. */
export type Link = { from: string; to: string; direction: 'UP' | 'DOWN'; value: number | null };

export type FlowPicture = { title: string; unit: string; links: readonly Link[] };

const INK = '#222222';
const HATCH = { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4, color: '#777777' };
const WITHHELD = 'withheld';

const text = (fontSize: number) => ({ fontSize, color: INK, fontFamily: 'Arial, Helvetica, sans-serif' });
const number = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });
const month = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' });

/** The margins are those of the labels of the axes, not of the axes. */
const WITH_LABELS = { outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' };

const titleOf = (title: string, unit: string, width: number) => ({
  text: title,
  subtext: unit,
  left: 8,
  top: 4,
  itemGap: 4,
  textStyle: { ...text(14), fontWeight: 'bold', width: width - 16, overflow: 'truncate' },
  subtextStyle: { ...text(11), width: width - 16, overflow: 'truncate' },
});

const valueAxis = (fromZero: boolean, whole: boolean) => ({
  type: 'value',
  ...(whole && { minInterval: 1 }),
  scale: !fromZero,
  splitNumber: 4,
  axisLabel: { ...text(11), formatter: (value: number) => number.format(value) },
  splitLine: { lineStyle: { color: '#dddddd' } },
});

/** Lines over time, with what is withheld hatched, and a band where there is one. */
export function lines(of: LinesPicture): Promise<string> {
  const [width, height] = of.wide ? [920, 400] : [460, 240];
  const placed = (values: readonly (number | null)[]) => (of.days ? values.map((value, i) => [of.at[i] as string, value]) : values);
  const named = of.lines.length > 1;
  return draw(of, of.title, width, height, () => ({
    useUTC: true,
    title: titleOf(of.title, of.unit, width),
    legend: {
      data: [...(of.withheld.length > 0 ? [WITHHELD] : []), ...(of.band ? [{ name: of.band.name, icon: 'rect' }] : [])],
      right: 24,
      itemGap: 24,
      bottom: 2,
      itemHeight: 11,
      textStyle: text(11),
      selectedMode: false,
    },
    grid: {
      left: 8,
      right: named ? (of.wide ? 190 : 60) : 20,
      top: 52,
      bottom: of.withheld.length > 0 || of.band ? 28 : 8,
      ...WITH_LABELS,
    },
    xAxis: {
      ...(of.days ? { type: 'time' } : { type: 'category', data: of.at }),
      axisLabel: { ...text(11), hideOverlap: true, ...(of.days && { formatter: (value: number) => month.format(new Date(value)) }) },
      axisTick: { alignWithLabel: true },
      axisLine: { lineStyle: { color: '#444444' } },
    },
    yAxis: [valueAxis(of.fromZero, of.whole), { type: 'value', min: 0, max: 1, show: false }],
    series: [
      ...of.lines.map(({ name, look, values, sparse }) => {
        const { color, type, width: thick, symbol, symbolSize } = LOOKS[look];
        return {
          type: 'line',
          name,
          data: placed(values),
          connectNulls: sparse ?? false,
          silent: true,
          color,
          symbol,
          symbolSize,
          showAllSymbol: true,
          lineStyle: { type, width: thick, color },
          endLabel: { show: named, ...text(11), color, textBorderColor: '#ffffff', textBorderWidth: 3, formatter: () => name },
          labelLayout: { moveOverlap: 'shiftY' },
        };
      }),
      ...(of.withheld.length > 0
        ? [
            {
              type: 'bar',
              name: WITHHELD,
              yAxisIndex: 1,
              data: placed(of.at.map((_, i) => (of.withheld.includes(i) ? 1 : null))),
              barWidth: of.days ? 7 : '100%',
              silent: true,
              z: 1,
              color: '#eeeeee',
              itemStyle: { color: '#eeeeee', decal: HATCH },
            },
          ]
        : []),
      ...(of.band ? [bandOf(of.band, of.days ? [of.at[0], of.at.at(-1)] : null)] : []),
    ],
  }));
}

/** A band across the picture. The scale reaches over it, which it does for points alone: two that are not seen. */
const bandOf = ({ name, low, high }: NonNullable<LinesPicture['band']>, days: (string | undefined)[] | null) => ({
  type: 'line',
  name,
  data: [low, high].map((value, i) => (days ? [days[i], value] : value)),
  silent: true,
  symbol: 'none',
  color: '#cfe3da',
  lineStyle: { opacity: 0 },
  itemStyle: { color: '#cfe3da', borderColor: '#00594f', borderWidth: 1 },
  markArea: {
    silent: true,
    itemStyle: { color: '#cfe3da', opacity: 0.6, borderColor: '#00594f', borderWidth: 1, borderType: 'dotted' },
    data: [[{ yAxis: low }, { yAxis: high }]],
  },
});

/** Bars side by side, each kind with its hatching and each bar with its number. */
export function bars(of: BarsPicture): Promise<string> {
  // One line of the legend for each kind: their names are long.
  const legend = 20 * of.bars.length;
  const [width, height] = [920, 340 + legend];
  const colours = ['#9fb8e0', '#f0c9a4', '#b9d9cd', '#dcc6e0'];
  const decals = [
    {},
    { decal: { ...HATCH, color: '#7a3d00' } },
    { decal: { symbol: 'circle', symbolSize: 0.6, dashArrayX: [[6, 6]], dashArrayY: [6, 0], color: '#00594f' } },
    { decal: { ...HATCH, rotation: 0, color: '#6a1b7a' } },
  ];
  return draw(of, of.title, width, height, () => ({
    title: titleOf(of.title, of.unit, width),
    legend: {
      data: of.bars.map(({ name }) => name),
      orient: 'vertical',
      left: 8,
      bottom: 2,
      itemGap: 6,
      itemHeight: 12,
      itemWidth: 24,
      textStyle: text(11),
      selectedMode: false,
    },
    grid: { left: 8, right: 20, top: 64, bottom: 8 + legend, ...WITH_LABELS },
    xAxis: { type: 'category', data: of.groups, axisLabel: { ...text(11), interval: 0 }, axisLine: { lineStyle: { color: '#444444' } } },
    yAxis: valueAxis(true, true),
    series: of.bars.map(({ name, values }, i) => ({
      type: 'bar',
      name,
      data: values,
      silent: true,
      barGap: '8%',
      color: colours[i % colours.length],
      itemStyle: { color: colours[i % colours.length], borderColor: '#444444', borderWidth: 1, ...decals[i % decals.length] },
      label: {
        show: true,
        position: 'top',
        ...text(10),
        formatter: ({ value }: { value: number | null }) => (value === null ? '' : number.format(value)),
      },
    })),
  }));
}

/** Who went from where to where: on the left where they were, on the right where they came to. Which way it was is written on each. */
export function flow(of: FlowPicture): Promise<string> {
  const [width, height] = [920, 420];
  const drawn = of.links.filter((link): link is Link & { value: number } => link.value !== null && link.value > 0);
  const withheld = of.links.filter(({ value }) => value === null).length;
  // The same stage stands on both sides: what goes there and back would be a circle.
  const at = (side: 'from' | 'to') =>
    [...new Set(drawn.map((link) => link[side]))].map((name) => ({ name: `${side} ${name}`, depth: side === 'from' ? 0 : 1 }));
  const told = withheld > 0 ? `${of.unit}; withheld and not drawn: ${withheld} of ${of.links.length} ways` : of.unit;
  return draw(of, of.title, width, height, () => ({
    title: titleOf(of.title, told, width),
    series: [
      {
        type: 'sankey',
        left: 8,
        right: 190,
        top: 60,
        bottom: 12,
        nodeWidth: 14,
        nodeGap: 18,
        draggable: false,
        silent: true,
        itemStyle: { color: INK },
        label: { ...text(12), formatter: ({ name }: { name: string }) => name.replace(/^(?:from|to) /, '') },
        edgeLabel: {
          show: true,
          ...text(11),
          formatter: ({ data }: { data: Link }) => `${data.direction === 'UP' ? '▲ up' : '▼ down'} ${number.format(data.value as number)}`,
        },
        data: [...at('from'), ...at('to')],
        links: drawn.map((link) => ({
          source: `from ${link.from}`,
          target: `to ${link.to}`,
          value: link.value,
          direction: link.direction,
          lineStyle: { color: link.direction === 'UP' ? '#a33b00' : '#0b3d91', opacity: 0.35, curveness: 0.5 },
        })),
      },
    ],
  }));
}

const load = async () => {
  const [
    core,
    { BarChart, LineChart, SankeyChart },
    { GridComponent, LegendComponent, MarkAreaComponent, TitleComponent },
    { SVGRenderer },
    { LabelLayout },
  ] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
    import('echarts/features'),
  ]);
  core.use([BarChart, LineChart, SankeyChart, GridComponent, LegendComponent, MarkAreaComponent, TitleComponent, SVGRenderer, LabelLayout]);
  return core;
};
let library: ReturnType<typeof load> | null = null;

/** Pictures by what is in them, the latest asked for last: the same is not drawn twice. They hold nothing but what they are kept by. */
const drawn = new Map<string, string>();

async function draw(of: object, title: string, width: number, height: number, option: () => EChartsCoreOption): Promise<string> {
  const key = JSON.stringify(of);
  const known = drawn.get(key);
  drawn.delete(key);
  const svg = known ?? (await fresh(title, width, height, option));
  drawn.set(key, svg);
  for (const [oldest] of drawn) {
    if (drawn.size <= LIMITS.picturesKept) break;
    drawn.delete(oldest);
  }
  return svg;
}

async function fresh(title: string, width: number, height: number, option: () => EChartsCoreOption): Promise<string> {
  library ??= load();
  const core = await library;
  // Whoever else is waiting goes first: a picture takes some milliseconds, a page has thirty.
  await turn();
  const chart = core.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option() });
    const named = `role="img" aria-label="${escapeHtml(title)}">\n<title>${escapeHtml(title)}</title>`;
    return chart.renderToSVGString().replace('>', () => ` ${named}`);
  } finally {
    // One that is left would keep the process alive.
    chart.dispose();
  }
}
