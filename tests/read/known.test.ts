/**
 * What a binding says of whose rows a relation leads to. What is known of a family's or a person's whereabouts, and what was disclosed of
 * them, is carried on where it says that they are the same: said wrongly, it would open another family's rows.
 */
import type { PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classOf } from '../../src/db/classified.ts';
import { BINDINGS } from '../../src/modules/index.ts';
import {
  type Binding,
  columnNames,
  type FieldBinding,
  membersOf,
  type On,
  type RelationField,
  type UnionField,
} from '../../src/read/binding.ts';
import { sqlAsOwner } from '../support/server.ts';

type Led = { type: string; name: string; field: RelationField | UnionField; to: Binding; on: On };

const isRelation = (field: FieldBinding): field is RelationField | UnionField => ['one', 'list', 'page', 'union'].includes(field.kind);

/** Every flagged relation; of a stream, each of its members. */
const LED: Led[] = [...BINDINGS.values()].flatMap(({ type, fields }) =>
  Object.entries(fields).flatMap(([name, field]): Led[] => {
    if (!isRelation(field) || !(field.sameFamily || field.samePerson)) return [];
    const members = field.kind === 'union' ? membersOf(BINDINGS, field) : [{ type: field.to, on: field.on }];
    return members.map((member) => ({ type, name, field, to: BINDINGS.get(member.type) as Binding, on: member.on ?? field.on }));
  }),
);

/** The columns of a type's rows that name whose they are. */
const whose = ({ anchor }: Binding): { family?: string | undefined; person?: string | undefined } =>
  typeof anchor === 'string' ? { [anchor]: anchor } : classOf([anchor].flat()[0] as PgTable);

/** All rows of a type, as the database's owner has them. */
function rowsOf({ anchor }: Binding): string {
  if (typeof anchor === 'string') return `(select id as ${anchor}, * from fsp.${anchor})`;
  const tables = [anchor].flat() as PgTable[];
  const columns = columnNames(tables[0] as PgTable).map((name) => `"${name}"`);
  return `(${tables.map((table) => `select ${columns.join(', ')} from fsp.${classOf(table).name}`).join(' union all ')})`;
}

const sub = (table: PgTable, alias: string) => `from fsp.${classOf(table).name} ${alias} where true`;

let owner: pg.Client;
beforeAll(async () => {
  owner = await sqlAsOwner();
});
afterAll(() => owner.end());

describe.each(LED.map((led) => ({ ...led, called: `${led.type}.${led.name} → ${led.to.type}` })))('$called', ({ type, field, to, on }) => {
  const from = BINDINGS.get(type) as Binding;
  const { family, person } = whose(from);
  const theirs = whose(to);

  it('stays with whom it says', async () => {
    // Who says "the same" of nobody says nothing; and of a row that names nobody what is known would be handed on unasked.
    if (field.sameFamily) expect([family, theirs.family]).not.toContain(undefined);
    if (field.samePerson) expect([person, theirs.person]).not.toContain(undefined);
    const beside = field.from && !(typeof from.anchor !== 'string' && [from.anchor].flat().includes(field.from)) ? field.from : null;
    const key = beside && from.sides?.find(([table]) => table === beside)?.[1].name;
    const parent = beside ? 'beside' : 'parent';
    const among = field.kind !== 'union' && field.among ? field.among('child', sub, parent) : 'true';
    const other = [
      ...(field.sameFamily ? [`child."${theirs.family}" is distinct from parent."${family}"`] : []),
      ...(field.samePerson ? [`child."${theirs.person}" is distinct from parent."${person}"`] : []),
    ];
    const { rows } = await owner.query(
      `select parent.* from ${rowsOf(from)} parent ${beside ? `join fsp.${classOf(beside).name} beside on beside."${key}" = parent."${from.id ?? 'id'}"` : ''}
       join ${rowsOf(to)} child on ${on(parent, 'child')} and ${among} where ${other.join(' or ')} limit 3`,
    );
    expect(rows).toEqual([]);
  });
});

it('has all of them before it', () => {
  expect(LED.length).toBeGreaterThan(150);
});
