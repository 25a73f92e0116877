/** The modules of the product. A new noun is one line in each of these lists. */
import type { Command } from '../change/command.ts';
import type { Binding, RootBinding } from '../read/binding.ts';
import * as clock from './clock/binding.ts';
import * as district from './district/binding.ts';
import { offerService } from './district/commands.ts';
import * as family from './family/binding.ts';
import * as intervention from './intervention/binding.ts';
import * as outcome from './outcome/binding.ts';
import * as person from './person/binding.ts';
import * as plan from './plan/binding.ts';
import * as sharing from './sharing/binding.ts';
import * as workbook from './workbook/binding.ts';
import { addWorkbookEntry } from './workbook/commands.ts';
import './tables.ts';

const modules: { bindings: Binding[]; roots?: Record<string, RootBinding> }[] = [
  sharing,
  family,
  person,
  plan,
  workbook,
  intervention,
  district,
  outcome,
  clock,
];

export const BINDINGS: ReadonlyMap<string, Binding> = new Map(
  modules.flatMap(({ bindings }) => bindings.map((binding) => [binding.type, binding] as const)),
);

export const ROOTS: ReadonlyMap<string, RootBinding> = new Map(modules.flatMap(({ roots }) => Object.entries(roots ?? {})));

/** Mutation field → command. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(Object.entries({ addWorkbookEntry, offerService }));
