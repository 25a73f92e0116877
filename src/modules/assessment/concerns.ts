/** The concerns of the trio, and whose factors count. */
export const CONCERNS = ['SUBSTANCE_MISUSE', 'DOMESTIC_ABUSE', 'PARENTAL_MENTAL_HEALTH'] as const;
export type Concern = (typeof CONCERNS)[number];

export const TRIO_VARIANTS = ['ANY_IN_HOUSEHOLD', 'PARENT_ONLY'] as const;
export type TrioVariant = (typeof TRIO_VARIANTS)[number];
