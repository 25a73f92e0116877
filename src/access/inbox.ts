/**
 * What passes between organisations: of which rows an organisation is told that they came or changed. A table with a sender and an
 * addressee is of both by itself; what belongs to such a row is told as that row.
 */
import { getTableConfig } from 'drizzle-orm/pg-core';
import { keyTo } from '../db/belonging.ts';
import { classifiedTables, type TableClass } from '../db/classified.ts';
import { typeOfTable } from './retractable.ts';

export type Inbox = {
  table: string;
  /** The GraphQL type of the row that is told. */
  type: string;
  /** The column with that row's key. */
  key: string;
  /** Columns with the organisations that it is for. */
  organisations: string[];
};

/** An offer is of the desk that gives the service, and of who offered it; the row itself names neither (`fsp.note_inbox`). */
const OFFERS: Inbox[] = [
  { table: 'service_offer', type: 'ServiceOffer', key: 'id', organisations: ['controller'] },
  { table: 'service_offer_link', type: 'ServiceOffer', key: 'offer', organisations: ['controller', 'provider'] },
];

const SIDES = ['sender', 'addressee'];

const hasSides = ({ table }: TableClass): boolean => {
  const columns = getTableConfig(table).columns.map(({ name }) => name);
  return SIDES.every((side) => columns.includes(side));
};

/** Which rows of which tables are told to whom. */
export function inboxes(all: TableClass[] = classifiedTables()): Inbox[] {
  const between = all.filter(hasSides);
  const whole = (table: TableClass) => between.every((other) => other === table || !keyTo(table, other));
  return [
    ...between.flatMap((table): Inbox[] => {
      const { name } = table;
      if (whole(table)) return [{ table: name, type: typeOfTable(name), key: 'id', organisations: SIDES }];
      return between.filter(whole).flatMap((of) => {
        const key = keyTo(table, of);
        return key ? [{ table: name, type: typeOfTable(of.name), key, organisations: SIDES }] : [];
      });
    }),
    ...OFFERS,
  ];
}

/** GraphQL types that an inbox holds, each once. */
export const inboxTypes = (): string[] => [...new Set(inboxes().map(({ type }) => type))];
