import {
  type Binding,
  column,
  type FieldBinding,
  list,
  type Order,
  one,
  page,
  type RootBinding,
  type RootFilter,
} from '../../read/binding.ts';
import { membership } from '../family/tables.ts';
import { accessNotice, disclosureEntry, disclosureFamily } from './tables.ts';

const entry = disclosureEntry;
const notice = accessNotice;

const newest = (moment: string): Order => ({
  keys: [
    { column: moment, type: 'timestamptz' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
});

const byKey = (column: string): Order => ({ keys: [{ column, type: 'bigint' }] });

export const bindings: Binding[] = [
  {
    type: 'Disclosure',
    anchor: entry,
    fresh: true,
    fields: {
      at: column(entry.at),
      organisation: one('Organisation', entry.organisation, 'id'),
      client: column(entry.client),
      user: column(entry.subject),
      purpose: column(entry.purpose),
      category: column(entry.category),
      operation: column(entry.operation),
      document: column(entry.document),
      classes: column(entry.classes),
      fields: column(entry.fields),
      refused: column(entry.refused),
      families: list('Family', 'family', 'id', byKey('family'), {
        on: (e, f) => `${f}.family in (select about.family from fsp.disclosure_family about where about.entry = ${e}.id)`,
      }),
      persons: list('Person', 'person', 'id', byKey('person'), { on: (e, p) => `${p}.person = any (${e}.persons)` }),
      emergency: column(entry.emergency),
      failed: column(entry.failed),
      alert: column(entry.alert),
      reason: column(entry.reason),
      count: column(entry.count),
      agreement: column(entry.agreement),
      request: column(entry.request),
      correlation: column(entry.correlation),
    },
  },
  {
    type: 'AccessNotice',
    anchor: notice,
    id: 'id',
    fresh: true,
    fields: {
      family: one('Family', notice.family, 'family', { sameFamily: true }),
      organisation: one('Organisation', notice.organisation, 'id'),
      kind: column(notice.kind),
      day: column(notice.day),
      count: column(notice.count),
      firstAt: column(notice.firstAt),
      lastAt: column(notice.lastAt),
      purposes: column(notice.purposes),
      emergency: column(notice.emergency),
      acknowledgedAt: column(notice.acknowledgedAt),
      version: column(notice.version),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    disclosures: page('Disclosure', 'family', 'family', newest('at'), {
      on: (f, e) => `${e}.id in (select about.entry from fsp.disclosure_family about where about.family = ${f}.family)`,
    }),
  },
};

const text = (where: (row: string, p: string) => string): RootFilter => ({ decode: 'text', where });

const filters: Record<string, RootFilter> = {
  'filter.family': {
    decode: 'id',
    type: 'Family',
    where: (row, p, sub) => `${row}.id in (select about.entry ${sub(disclosureFamily, 'about', true)} and about.family = ${p}::bigint)`,
  },
  // By the person's families: to look through the whole record for one key would take for ever.
  'filter.person': {
    decode: 'id',
    type: 'Person',
    where: (row, p, sub) =>
      `(${p}::bigint = any (${row}.persons) and ${row}.id in (select about.entry ${sub(disclosureFamily, 'about', true)} and about.family in (select m.family ${sub(membership, 'm', true)} and m.person = ${p}::bigint)))`,
  },
  'filter.organisation': { decode: 'id', type: 'Organisation', where: (row, p) => `${row}.organisation = ${p}::bigint` },
  'filter.user': text((row, p) => `${row}.subject = ${p}`),
  'filter.purpose': text((row, p) => `${row}.purpose = ${p}`),
  'filter.from': text((row, p) => `${row}.at >= ${p}::timestamptz`),
  'filter.until': text((row, p) => `${row}.at < ${p}::timestamptz`),
  'filter.emergencyOnly': text((row, p) => `(${row}.emergency is not null or not ${p}::boolean)`),
  'filter.alertsOnly': text((row, p) => `(${row}.alert is not null or not ${p}::boolean)`),
  'filter.failed': text((row, p) => `(${row}.failed is not null) = ${p}::boolean`),
};

export const roots: Record<string, RootBinding> = {
  disclosures: { kind: 'page', to: 'Disclosure', order: () => newest('at'), filters },
  accessNotices: {
    kind: 'page',
    to: 'AccessNotice',
    order: () => newest('last_at'),
    filters: {},
    mine: { user: 'worker', organisation: 'addressee' },
  },
};
