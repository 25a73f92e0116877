/** SDL + agreement → graphql-shield's rule tree: one rule for each field, deny by default. */
import { type GraphQLSchema, isObjectType } from 'graphql';
import type { Classified } from '../graphql/classes.ts';
import type { DataClass } from './classes.ts';
import type { Client } from './client.ts';
import { mayRead, mayWrite } from './decide.ts';
import { type AskableRule, applyMiddleware, deny, rule, shield } from './shield.ts';
import { openTo } from './view.ts';

type RuleContext = { client: Client };
type Rule = ReturnType<ReturnType<typeof rule>>;

/** The rule of a class of data: whether the request may read it at all. Which rows is the database's to say. */
function reads(dataClass: DataClass, type: string, field: string, isOpen: (client: Client) => boolean): Rule {
  return rule(`read ${dataClass} in ${type}.${field}`, { cache: 'no_cache' })(
    (_parent, _args, { client }: RuleContext) => mayRead(client, dataClass).open !== false && isOpen(client),
  );
}

/** The rule of a command: whether the request may write its class. */
function writes(dataClass: DataClass, field: string): Rule {
  return rule(`write ${dataClass} by ${field}`, { cache: 'no_cache' })(
    (_parent, _args, { client }: RuleContext) => mayWrite(client, dataClass, field).open !== false,
  );
}

export type Rules = {
  /** Asks the rule of a field. Anything but `true` is a refusal. */
  ask(type: string, field: string, client: Client): Promise<boolean>;
  /** The schema with the rules in front of everything that graphql-js itself resolves. */
  guard(schema: GraphQLSchema): GraphQLSchema;
};

/** Derives the rules of every field of every object type. */
export function deriveRules(schema: GraphQLSchema, classes: Classified): Rules {
  const tree: Record<string, Record<string, Rule>> = {};
  const mutation = schema.getMutationType()?.name;
  for (const type of Object.values(schema.getTypeMap())) {
    // graphql-shield ignores rules on interfaces and unions: every key is an object type.
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    const fields: Record<string, Rule> = {};
    for (const field of Object.keys(type.getFields())) {
      const dataClass = classes.fieldClass(type.name, field);
      fields[field] =
        type.name === mutation
          ? writes(dataClass, field)
          : reads(dataClass, type.name, field, (client) => openTo(schema, classes, client.agency).field(type.name, field));
    }
    tree[type.name] = fields;
  }
  return {
    async ask(type, field, client) {
      const found = (tree[type]?.[field] ?? deny) as unknown as AskableRule;
      return (await found.resolve({}, {}, { client }, {}, { debug: false })) === true;
    },
    guard: (view) => applyMiddleware(view, shield(within(view, tree), { fallbackRule: deny, fallbackError: new Error('Not shared.') })),
  };
}

/** The rules of what a view has: graphql-shield refuses a tree that names more. */
function within(view: GraphQLSchema, tree: Record<string, Record<string, Rule>>): Record<string, Record<string, Rule>> {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([name, fields]) => {
      const type = view.getType(name);
      if (!isObjectType(type)) return [];
      const there = type.getFields();
      return [[name, Object.fromEntries(Object.entries(fields).filter(([field]) => field in there))]];
    }),
  );
}
