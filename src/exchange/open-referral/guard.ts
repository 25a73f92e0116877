/**
 * Refuges and addresses that are kept secret are in no directory: they do not come in, and what is in does not go out
 * if it looks like one. Too much is refused rather than too little; a publisher can say it in other words.
 *
 * Nothing is compared with the addresses that the platform itself protects: a publisher could find out by trying which
 * these are.
 *
 * The database says the same of what is in (`fsp.is_secret_place`), for whoever writes there.
 */
import { WORDS } from '../../access/secret-places.ts';

const pattern = (name: keyof typeof WORDS, flags = 'i') => new RegExp(WORDS[name], flags);
const REFUGE = pattern('refuge');
const SECRET = pattern('secret');
const FLAG = pattern('flag');
const NO = pattern('no');
const POSTCODE = pattern('postcode');
const HTML_SPACE = pattern('htmlSpace', 'gi');
const HTML_UNSEEN = pattern('htmlUnseen', 'gi');
const UNSEEN = pattern('unseen', 'gu');
const DASH = pattern('dash', 'g');
const SPACE = pattern('space', 'g');

/** A text as a reader sees it: without what is not seen, with every space, dash and underscore in one way. */
const plain = (text: string): string =>
  text
    .replace(HTML_SPACE, ' ')
    .replace(HTML_UNSEEN, '')
    .normalize('NFKC')
    .replaceAll('\0', '')
    .replace(UNSEEN, '')
    .replace(DASH, '-')
    .replace(SPACE, ' ');

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every text of a record, and every member that says by its name that something is secret. */
function walk(value: unknown, found: { texts: string[]; flagged: boolean }, depth = 0): void {
  if (depth > 30) return;
  if (typeof value === 'string') found.texts.push(plain(value));
  else if (Array.isArray(value)) for (const item of value) walk(item, found, depth + 1);
  else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const says = typeof inner === 'string' ? !NO.test(inner) : inner !== false && inner !== null && inner !== 0;
      if (FLAG.test(name) && says) found.flagged = true;
      walk(inner, found, depth + 1);
    }
  }
}

/** Whether a record says where somebody can go: a location that is not a web page, an address, a postcode in its words. */
function namesAPlace(record: Json, texts: string[]): boolean {
  const at = record.service_at_locations;
  const physical = (Array.isArray(at) ? at : []).some((each) => {
    const location = isObject(each) ? each.location : undefined;
    if (!isObject(location)) return false;
    const { addresses, latitude, external_identifier: identifier, location_type: type } = location;
    return (
      (Array.isArray(addresses) && addresses.length > 0) || typeof latitude === 'number' || identifier !== undefined || type !== 'virtual'
    );
  });
  return physical || texts.some((text) => POSTCODE.test(text));
}

/** The names by which a service is called, and the terms it is put under. */
function names(record: Json): string[] {
  const terms = (Array.isArray(record.attributes) ? record.attributes : []).map((each) =>
    isObject(each) && isObject(each.taxonomy_term) ? each.taxonomy_term.name : undefined,
  );
  return [record.name, record.alternate_name, ...terms].filter((name) => typeof name === 'string').map(plain);
}

/**
 * Whether a service must not be in a directory: it is called a refuge; it tells of one, or of a secret address, and says where
 * something is; or it is marked as confidential.
 *
 * @param record a service as Open Referral UK has it, as it came or as it is to go out.
 */
export function isSecretPlace(record: Json): boolean {
  if (names(record).some((name) => REFUGE.test(name))) return true;
  const found = { texts: [] as string[], flagged: false };
  walk(record, found);
  if (found.flagged) return true;
  return found.texts.some((text) => REFUGE.test(text) || SECRET.test(text)) && namesAPlace(record, found.texts);
}
