/** What an object withholds, from class and grant alone: an entry never depends on whether a value exists. */
import type { PgTable } from 'drizzle-orm/pg-core';
import type { FieldNode, GraphQLObjectType } from 'graphql';
import { AGREEMENT, levelOf } from '../access/agreement.ts';
import { type DataClass, isPersonal } from '../access/classes.ts';
import { mayRead } from '../access/decide.ts';
import { bitOf, effectiveMask } from '../access/masks.ts';
import { type Known, ofLogin, openedHere, unguarded } from '../access/predicates.ts';
import { classOf } from '../db/classified.ts';
import { type Binding, type FieldBinding, fieldTable } from './binding.ts';
import { alias, type Context, selection } from './context.ts';
import { quoted } from './scalar.ts';

/** The grants that stand behind an object's row, joined when first asked for. */
export class Grants {
  private readonly ctx: Context;
  private readonly binding: Binding;
  private readonly row: string;
  private readonly joins: string[];
  private readonly known: Known;
  /** The person's key, in a row that may be about nobody. */
  private about: string | null = null;
  private found: { family?: string; person?: string } | null = null;

  constructor(ctx: Context, binding: Binding, row: string, joins: string[], known: Known) {
    this.ctx = ctx;
    this.binding = binding;
    this.row = row;
    this.joins = joins;
    this.known = known;
  }

  private grants(): { family?: string; person?: string } {
    if (this.found) return this.found;
    const { anchor } = this.binding;
    if (anchor === 'family') this.found = { family: this.row };
    else if (anchor === 'person') this.found = { person: this.row };
    else {
      const table = classOf(Array.isArray(anchor) ? (anchor[0] as PgTable) : anchor);
      this.found = {};
      if (table.personOptional) this.about = `${this.row}.${table.person}`;
      for (const kind of ['family', 'person'] as const) {
        const key = table[kind];
        if (!key) continue;
        const grant = alias(this.ctx, 'g');
        this.joins.push(
          `left join fsp.${kind}_grant ${grant} on ${ofLogin(this.ctx.client, grant)} and ${grant}.${kind} = ${this.row}.${key}`,
        );
        this.found[kind] = grant;
      }
    }
    return this.found;
  }

  /** SQL over the grants here; where the row is about nobody, over the family's alone. */
  private over(sql: (family?: string, person?: string) => string): string {
    const { family, person } = this.grants();
    return this.about ? `case when ${this.about} is null then ${sql(family)} else ${sql(family, person)} end` : sql(family, person);
  }

  /** SQL: the grants open this class here. */
  has(dataClass: DataClass): string {
    const bit = bitOf(dataClass);
    const open = this.over((family, person) => {
      // A row between organisations stands behind no grant: who sees it was named in it.
      if (!family && !person) return 'true';
      const granted = `coalesce((${effectiveMask(this.ctx.client.agency, family, person)} & ${bit}) = ${bit}, false)`;
      const rules = [this.unguarded(dataClass, family, person), this.opened(String(bit), family, person)].filter((rule) => rule !== null);
      return rules.length > 0 ? `(${[granted, ...rules].join(' and ')})` : granted;
    });
    const { anchor } = this.binding;
    const table = typeof anchor === 'string' || Array.isArray(anchor) ? null : classOf(anchor);
    // A row that names no family yet is its own organisations' alone, and so is all that belongs to it.
    return table?.familyOptional ? `(${this.row}.${table.family} is null or ${open})` : open;
  }

  /** SQL: the user may know where everybody is of whom this tells; null where the class tells nothing of it. */
  private unguarded(dataClass: DataClass, family?: string, person?: string): string | null {
    const of = family ? 'family' : 'person';
    const grant = family ?? person;
    const rule = grant ? unguarded(this.ctx.client, dataClass, of, `${grant}.${of}`) : null;
    return rule && (this.known[of]?.() ?? rule);
  }

  /** SQL: an emergency of the user's own opens it; null where the purpose is another. */
  private opened(classes: string, family?: string, person?: string): string | null {
    if (family) return openedHere(this.ctx.client, 'family', `${family}.family`, classes);
    return person ? openedHere(this.ctx.client, 'person', `${person}.person`, classes) : null;
  }

  /** SQL: somebody's protected whereabouts close this class here, to the organisation or to the user. */
  protectsWhereabouts(dataClass: DataClass): string {
    return this.over((family, person) => {
      const unguarded = this.unguarded(dataClass, family, person);
      const flags = [family, person].filter(Boolean).map((grant) => `${grant}.guarded`);
      return unguarded ? `(coalesce(${flags.join(' or ')}, false) or not ${unguarded})` : 'false';
    });
  }

  /** SQL: a decision withholds this class here. */
  withheldByDecision(dataClass: DataClass): string {
    return this.over((family, person) => {
      const masks = [family && `${family}.withheld`, person && `${person}.withheld`, !family && person && `${person}.family_withheld`];
      return `coalesce((${masks.filter(Boolean).join(' | ') || '0'}) & ${bitOf(dataClass)}, 0) <> 0`;
    });
  }

  /** Where a list of this class may be null as a whole: the SQL that says it is shown; null where it always is. */
  listGate(type: string, field: string): string | null {
    const dataClass = this.ctx.catalogue.classes.fieldClass(type, field);
    if (!this.gated(dataClass)) return null;
    const access = mayRead(this.ctx.client, dataClass);
    if (access.open !== 'all' || levelOf(dataClass, this.ctx.client.agency) === 'O/D') return null;
    return this.has(dataClass);
  }

  /** A class that the row itself does not already prove. */
  gated(dataClass: DataClass): boolean {
    if (!isPersonal(dataClass)) return false;
    const { anchor } = this.binding;
    if (anchor === 'family' || anchor === 'person') return true;
    return !(Array.isArray(anchor) ? anchor : [anchor]).some((table) => classOf(table).dataClass === dataClass);
  }
}

type Entry = { field: string; class: DataClass; when: string; reason: string };

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** SQL for the object's `withheld` list. */
export function compileWithheld(
  ctx: Context,
  binding: Binding,
  nodes: readonly FieldNode[],
  grants: Grants,
  side: (table: PgTable) => string,
): string {
  const shown = selection(ctx, ctx.schema.getType('Withheld') as GraphQLObjectType, nodes);
  const entries = entriesOf(ctx, binding, grants, side).map(({ field, class: dataClass, when, reason }) => {
    const parts = [...shown].map(([key, [node]]) => {
      const values: Record<string, string> = {
        __typename: literal('Withheld'),
        field: literal(field),
        class: literal(dataClass),
        reason,
        ask: literal(AGREEMENT[dataClass as Exclude<DataClass, 'STRUCTURE'>].ask),
      };
      return `'"${key}":"' || ${values[(node as FieldNode).name.value]} || '"'`;
    });
    return `case when ${when} then ${parts.length === 0 ? `'{}'` : `'{' || ${parts.join(` || ',' || `)} || '}'`} end`;
  });
  return entries.length === 0 ? `'[]'::json` : `('[' || concat_ws(',', ${entries.join(', ')}) || ']')::json`;
}

function entriesOf(ctx: Context, binding: Binding, grants: Grants, side: (table: PgTable) => string): Entry[] {
  const { client, catalogue } = ctx;
  const tellsWhy = client.agency === 'LA' || client.agency === 'TEAM';
  const why = (sql: string) => (tellsWhy ? sql : literal('NOT_AVAILABLE'));
  const type = ctx.schema.getType(binding.type) as GraphQLObjectType;
  const entries: Entry[] = [];
  for (const name of Object.keys(type.getFields())) {
    const dataClass = catalogue.classes.fieldClass(binding.type, name);
    const access = mayRead(client, dataClass);
    if (!isPersonal(dataClass) || access.open === false) continue;
    const field = binding.fields[name] as FieldBinding;
    const ownOnly = access.open !== 'all';
    const level = levelOf(dataClass, client.agency);
    const byDecision = `case when ${grants.protectsWhereabouts(dataClass)} then 'WHEREABOUTS_PROTECTED' when ${grants.withheldByDecision(dataClass)} then 'DECISION_WITHHOLDS' else 'NO_DECISION' end`;
    const from = fieldTable(field);
    if (from && binding.sides?.some(([table]) => table === from)) {
      const key = binding.sides.find(([table]) => table === from)?.[1].name as string;
      const unseen = `${side(from)}.${quoted(key)} is null`;
      const closed = classOf(from).rowMask || ownOnly ? unseen : `(not ${grants.has(dataClass)} and ${unseen})`;
      entries.push({ field: name, class: dataClass, when: closed, reason: why(ownOnly ? literal('NOT_OWN') : byDecision) });
      continue;
    }
    // A column of the row itself is as visible as the row.
    if (from || !grants.gated(dataClass)) continue;
    if (ownOnly) entries.push({ field: name, class: dataClass, when: 'true', reason: why(literal('NOT_OWN')) });
    else {
      const reason = level === 'O/D' ? literal('NOT_OWN') : byDecision;
      entries.push({ field: name, class: dataClass, when: `not ${grants.has(dataClass)}`, reason: why(reason) });
    }
  }
  return entries;
}
