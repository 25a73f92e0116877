/**
 * Open Referral UK 3.0 (HSDS-UK 3.0): the schemas of the profile, and a service held against them. What is wrong with a part
 * costs the part and is reported; a service is left out where it has no id, name or status, or must not be in a directory.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv, type ErrorObject } from 'ajv';
import formats from 'ajv-formats';
import { LIMITS } from '../../limits.ts';
import { isSecretPlace } from './guard.ts';

export type Json = Record<string, unknown>;

/**
 * What is wrong with a service.
 *
 * - `path`: JSON pointer (RFC 6901) into the service.
 * - `rule`: keyword of JSON schema, or `SECRET_PLACE`, `TOO_LONG`, `DUPLICATE`, `NOT_AN_OBJECT`, `ID_NOT_UUID`, `UNREADABLE`,
 *   `UNWRITABLE`.
 */
export type Fault = { path: string; rule: string; message: string };

/**
 * @returns `document` null: the service is left out. Faults beside a document are of the parts that are left out of it; `read`
 *   still has them: an address without a county has a postcode all the same.
 */
export type Held = {
  sourceId: string | null;
  document: Json | null;
  read: Json;
  faults: Fault[];
  /** Id of one that must not be in a directory: if it came in before anybody knew, it goes at once. */
  secret?: string;
};

const folder = new URL('../../../reference/england/open-referral/schema/', import.meta.url);

const ajv = new Ajv({ allErrors: true, strict: false });
(formats as unknown as (to: Ajv) => void)(ajv);
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  ajv.addSchema(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as object, file);
}

export type ProfileType = 'service' | 'service_at_location' | 'taxonomy' | 'taxonomy_term' | 'organization' | 'location';

const validator = (type: ProfileType) => ajv.getSchema(`${type}.json`) as NonNullable<ReturnType<Ajv['getSchema']>>;

/** What is wrong with a record by the profile's schema; empty: nothing. */
export function faultsOf(type: ProfileType, record: unknown): Fault[] {
  const validate = validator(type);
  return validate(record) ? [] : (validate.errors ?? []).map(faultOf);
}

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
export const isUuid = (text: unknown): text is string => typeof text === 'string' && UUID.test(text);

/** A UUID (version 8, RFC 9562) made of words: the same for the same. */
export function uuidOf(...words: string[]): string {
  const hex = createHash('sha256').update(words.join('\u0000')).digest('hex');
  const variant = '89ab'[Number.parseInt(hex[16] as string, 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const step = (name: string | number) => String(name).replaceAll('~', '~0').replaceAll('/', '~1');

/** A copy without nulls (which say nothing), with ids that are UUIDs; texts without what PostgreSQL does not take. */
function normal(value: unknown, feed: string, path: string, faults: Fault[], depth = 0): unknown {
  if (depth > DEPTH) return undefined;
  if (typeof value === 'string') return storable(value);
  if (Array.isArray(value)) {
    return value
      .map((item, i) => normal(item, feed, `${path}/${i}`, faults, depth + 1))
      .filter((item) => item !== undefined && item !== null);
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    if (inner === null || name === '__proto__') return [];
    const at = `${path}/${step(name)}`;
    const isId = name === 'id' || name.endsWith('_id');
    if (isId && (typeof inner === 'string' || typeof inner === 'number')) {
      const written = String(inner).trim();
      if (isUuid(written)) return [[name, written.toLowerCase()]];
      if (written === '') return [];
      if (faults.every(({ rule }) => rule !== 'ID_NOT_UUID'))
        faults.push({ path: at, rule: 'ID_NOT_UUID', message: 'An id is no UUID; it is published under a UUID made of it.' });
      return [[name, uuidOf(feed, written)]];
    }
    return [[storable(name) as string, normal(inner, feed, at, faults, depth + 1)]];
  });
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}

/** Words of ours: those of the schema could hold what was sent, which may be five megabytes long. */
function faultOf({ instancePath, keyword, params }: ErrorObject): Fault {
  const must =
    keyword === 'required'
      ? `must have ${params.missingProperty}`
      : keyword === 'type'
        ? `must be of the type ${params.type}`
        : keyword === 'format'
          ? `must be written as ${params.format}`
          : keyword === 'enum'
            ? `must be one of ${(params.allowedValues as unknown[]).join(', ')}`
            : `breaks the rule ${keyword}`;
  return { path: instancePath.slice(0, 300), rule: keyword, message: `It ${must}.` };
}

/** Takes out what stands at a pointer; elements of lists are emptied, and go when all are. */
function remove(record: Json, path: string): void {
  const steps = path
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = steps.pop() as string;
  let at: unknown = record;
  for (const name of steps) at = (at as Json | undefined)?.[name];
  if (Array.isArray(at)) at[Number(last)] = undefined;
  else if (isObject(at)) delete at[last];
}

function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== undefined).map(close);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, close(inner)])) : value;
}

const DEPTH = 30;

/** Characters of a record as JSON; of one that is nested deeper than anything of the profile, endless. */
function lengthOf(record: Json): number {
  const deep = (value: unknown, depth: number): boolean =>
    typeof value === 'object' && value !== null && (depth > DEPTH || Object.values(value).some((inner) => deep(inner, depth + 1)));
  return deep(record, 0) ? Number.POSITIVE_INFINITY : JSON.stringify(record).length;
}

/** A value as PostgreSQL's jsonb takes it: without null bytes and halves of characters, and else as it came. */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '');
  if (Array.isArray(value)) return value.map(storable);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [storable(name) as string, storable(inner)]));
}

const WHOLE = new Set(['', '/id', '/name', '/status']);

/**
 * Holds a service against the profile.
 *
 * @param raw as it came.
 * @param feed code of the feed: ids that are no UUIDs are made UUIDs within it.
 */
export function holdService(raw: unknown, feed: string): Held {
  const out = (sourceId: string | null, rule: string, message: string, path = ''): Held => ({
    sourceId,
    document: null,
    read: {},
    faults: [{ path, rule, message }],
  });
  if (!isObject(raw)) return out(null, 'NOT_AN_OBJECT', 'A service is an object.');
  const written = typeof raw.id === 'string' || typeof raw.id === 'number' ? String(raw.id).trim().toWellFormed().replaceAll('\0', '') : '';
  if (written === '' || written.length > 200) return out(null, 'required', 'It must have an id of 1 to 200 characters.', '/id');
  if (lengthOf(raw) > LIMITS.serviceCharacters) {
    return out(written, 'TOO_LONG', `A service has at most ${LIMITS.serviceCharacters.toLocaleString('en')} characters.`);
  }
  // What is refused for what it is about is not pointed at by its id. It is looked at as it would be stored.
  if (isSecretPlace(storable(raw) as Json)) {
    const message = 'A refuge, or an address that is kept secret, is in no directory. What is neither has to say so in other words.';
    return { ...out(null, 'SECRET_PLACE', message), secret: written };
  }
  const faults: Fault[] = [];
  let document = normal(raw, feed, '', faults) as Json;
  const read = structuredClone(document);
  const validate = validator('service');
  for (let round = 0; !validate(document); round++) {
    const errors = validate.errors ?? [];
    const fatal = errors.find(({ instancePath }) => WHOLE.has(instancePath));
    if (fatal || round > 50) {
      const fault = faultOf(fatal ?? (errors[0] as ErrorObject));
      return { sourceId: written, document: null, read: {}, faults: [fault] };
    }
    for (const error of errors) {
      if (faults.length < LIMITS.faultsPerService) faults.push(faultOf(error));
      remove(document, error.instancePath);
    }
    document = close(document) as Json;
  }
  for (const [name, value] of Object.entries(document)) {
    if (typeof value !== 'string' || value.length <= LIMITS.textCharacters) continue;
    if (name === 'name') return out(written, 'TOO_LONG', 'A name has at most 20,000 characters.', '/name');
    faults.push({
      path: `/${step(name)}`,
      rule: 'TOO_LONG',
      message: `A text has at most ${LIMITS.textCharacters.toLocaleString('en')} characters.`,
    });
    delete document[name];
  }
  return { sourceId: written, document, read, faults };
}
