/** The words in which the files of reference data say what an entry must be. */
import { z } from 'zod';

/** A word or more. */
export const text = z.string().trim().min(1, 'must not be empty');
export const slug = z.string().regex(/^[a-z0-9-]{1,30}$/, 'must be at most 30 of a-z, 0-9 and -');
export const longSlug = z.string().regex(/^[a-z0-9-]{1,60}$/, 'must be at most 60 of a-z, 0-9 and -');
export const key = z.int().positive();
export const day = z.iso.date();
/** A month: `2020-11`. */
export const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month, like 2020-11');
