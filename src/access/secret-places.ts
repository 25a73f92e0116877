/**
 * What tells of a refuge, or of an address that is kept secret: the words of the two guards that look for it, of what comes and goes
 * (`src/exchange/open-referral/guard.ts`) and in the database (`src/access/directory.sql`). They are regular expressions as JavaScript and
 * PostgreSQL both read them, but for the edge of a word and the longest escapes, which `inSql` writes as PostgreSQL does.
 */
export const WORDS = {
  refuge: String.raw`\b(?:refuges?|safe[ -]?houses?|(?:domestic (?:abuse|violence)|women[’']?s) (?:safe )?(?:accommodation|shelters?|hostels?))\b`,
  secret: String.raw`\b(?:confidential|secret|undisclosed) (?:address|location|venue|place)\b|\b(?:address|location|venue) (?:is |are )?(?:kept )?(?:confidential|secret|withheld|undisclosed|not (?:be )?(?:disclosed|published|made public))\b`,
  /** Of a member's name. */
  flag: 'confidential|undisclosed|withheld|(?:^|_)secret',
  /** Of such a member, a text that says that it is not so. */
  no: '^(?:|no|n|false|0)$',
  postcode: String.raw`\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b`,
  htmlSpace: '&(?:nbsp|#160|#xa0);',
  htmlUnseen: '&(?:shy|zwnj|zwj|#173|#xad|#820[3-7]|#x200[b-f]);',
  /** Characters that are not seen, and would keep a word from being found: `Default_Ignorable_Code_Point` of Unicode. */
  unseen: String.raw`[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]`,
  dash: String.raw`[\u2010-\u2015\u2212]`,
  /** What Unicode's normal form leaves of spaces. */
  space: String.raw`[\s_\u1680\u2028\u2029]+`,
} as const;

/** One of them as a literal of SQL, to be compared in the collation `C`. */
export function inSql(name: keyof typeof WORDS): string {
  const written = WORDS[name].replaceAll('\\b', '\\y').replace(/\\u\{([0-9a-f]+)\}/g, (_, code: string) => `\\U${code.padStart(8, '0')}`);
  return `'${written.replaceAll("'", "''")}'`;
}
