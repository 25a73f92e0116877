/** What the command line may say. */
import { parseArgs } from 'node:util';

export type Options = {
  sizes: number[];
  connections: number[];
  rounds: number;
  seconds: number;
  warmUp: number;
  folder: string;
  only: string[] | null;
  /** Only what limits and checks cost is measured. */
  limits: boolean;
  /** Only whether what is hidden takes as long as what never was. */
  hidden: boolean;
  /** Only what the disclosure record costs in the background. */
  record: boolean;
  /** The data with decisions and protected whereabouts on every tenth family. */
  decisions: boolean;
};

const numbers = (text: string, option: string): number[] =>
  text.split(',').map((part) => {
    const number = Number(part);
    if (!Number.isInteger(number) || number < 1) throw new Error(`--${option} takes whole numbers with commas between, not "${text}".`);
    return number;
  });

export function readOptions(args: string[], folder: string): Options {
  const { values } = parseArgs({
    args,
    options: {
      sizes: { type: 'string' },
      connections: { type: 'string', default: '10,50' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      data: { type: 'string', default: folder },
      quick: { type: 'boolean', default: false },
      limits: { type: 'boolean', default: false },
      hidden: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      decisions: { type: 'boolean', default: false },
    },
  });
  const quick = values.quick;
  const [rounds] = numbers(values.rounds ?? (quick ? '2' : '3'), 'rounds') as [number];
  const [seconds] = numbers(values.seconds ?? (quick ? '1' : '4'), 'seconds') as [number];
  return {
    sizes: numbers(values.sizes ?? (quick ? '500,2000' : '20000,200000'), 'sizes').sort((a, b) => a - b),
    connections: numbers(values.connections, 'connections'),
    rounds: Math.min(rounds, 20),
    seconds: Math.min(seconds, 30),
    warmUp: quick ? 1 : 3,
    folder: values.data,
    only: values.only?.split(',') ?? null,
    limits: values.limits,
    hidden: values.hidden,
    record: values.record,
    decisions: values.decisions,
  };
}
