/** Global ids and cursors: made in SQL, read here. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { PublicError } from '../errors.ts';

export type GlobalId = { type: string; key: string };

/** Reads a global id. @throws PublicError BAD_ID for what is not one. */
export function decodeId(id: string): GlobalId {
  // One writing for each id, so that ids can be compared as texts.
  const match = /^([A-Za-z][A-Za-z0-9]{0,39})-(0|[1-9][0-9]{0,17})$/.exec(id);
  if (!match) throw new PublicError('BAD_ID');
  return { type: match[1] as string, key: match[2] as string };
}

/**
 * The global id of a row: `Family-123`. Clients take it as it is and never build one. It is not encoded further: that
 * would hide nothing, and to encode every id of an answer costs the database as much as the rest of the answer's JSON.
 */
export function encodeId(type: string, key: string | number | bigint): string {
  return `${type}-${key}`;
}

/** SQL for a row's global id. */
export function idSql(type: string, key: string): string {
  return `('${type}-' || ${key})`;
}

/**
 * SQL for a cursor: 16 bytes of a keyed SHA-256 over the sort values, then the values, in base64url.
 *
 * @param key SQL of the key in hexadecimal: as `bytea` the driver would encode it once more.
 */
export function cursorSql(key: string, values: string[]): string {
  const payload = `convert_to(json_build_array(${values.join(', ')})::text, 'UTF8')`;
  return `(select translate(replace(encode(substr(sha256(decode(${key}::text, 'hex') || sha256(decode(${key}::text, 'hex') || c.p)), 1, 16) || c.p, 'base64'), e'\\n', ''), '+/=', '-_') from (select ${payload} as p) c)`;
}

/** A cursor's key: a cursor of another client, or of another list, does not fit. */
export function cursorKey(secret: Buffer, client: string, list: string): Buffer {
  return createHmac('sha256', secret).update(`${client}\0${list}`).digest();
}

/** The sort values of a cursor. @throws PublicError BAD_CURSOR for a foreign or altered one. */
export function decodeCursor(cursor: string, key: Buffer, count: number): string[] {
  if (/^[A-Za-z0-9_-]{24,2000}$/.test(cursor)) {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(16);
    const inner = createHash('sha256').update(key).update(payload).digest();
    const tag = createHash('sha256').update(key).update(inner).digest().subarray(0, 16);
    if (bytes.length > 16 && timingSafeEqual(tag, bytes.subarray(0, 16))) {
      const values = JSON.parse(payload.toString('utf8')) as unknown[];
      if (values.length === count) return values.map(String);
    }
  }
  throw new PublicError('BAD_CURSOR');
}
