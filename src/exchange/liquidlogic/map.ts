/** The map of an authority's forms: `reference/<authority>/liquidlogic-workbook.json`, or one of its own. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { FormMap } from './forms.ts';

const text = z.string().trim().min(1);
const value = z.strictObject({
  question: text.optional(),
  questions: z.array(text).min(1).optional(),
  values: z.record(text, text).optional(),
  otherwise: text.optional(),
});

const MapFile = z.strictObject({
  source: text,
  licence: text,
  edition: z.int().min(1),
  leftOut: z.array(text),
  duplicate: text,
  templates: z
    .array(
      z.strictObject({
        template: text,
        formTypes: z.array(text).min(1).optional(),
        identity: z.array(text).min(1),
        module: value,
        discipline: value,
        sessionType: value,
        occurred: value,
        author: value.optional(),
        narrative: value.optional(),
        childWords: value.optional(),
        parentWords: value.optional(),
        readings: z
          .array(
            z.strictObject({
              behaviour: text,
              tick: text.optional(),
              stageOfChange: value,
              capacityForChange: value.optional(),
              engagement: value.optional(),
            }),
          )
          .optional(),
      }),
    )
    .min(1),
});

/** Where an authority's map stands. */
export const mapOf = (authority: string): URL => new URL(`../../../reference/${authority}/liquidlogic-workbook.json`, import.meta.url);

/** Reads a map. @throws naming every fault of it. */
export function readMap(file: URL | string): FormMap {
  const parsed = MapFile.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data as FormMap;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`The map cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
}
