/** Assembles the one schema from `schema/*.graphql`, with the classes read and each field's sharing in its description. */
import { readdirSync, readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import {
  buildASTSchema,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  Source,
} from 'graphql';
import { sharedWith } from '../access/describe.ts';
import { nounOf } from '../change/masters.ts';
import { type Classified, readClasses } from './classes.ts';
import { scalars } from './scalars.ts';

const folder = new URL('../../schema/', import.meta.url);

const sdlFiles = (): { name: string; text: string }[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.graphql'))
    .sort()
    .map((file) => ({ name: `schema/${file}`, text: readFileSync(new URL(file, folder), 'utf8') }));

/** The SDL files, in the order of their names. */
export const readSdl = (): string =>
  sdlFiles()
    .map(({ text }) => text)
    .join('\n');

/** The SDL parsed file by file, so that an error names its file and line. */
function parseSdl(): DocumentNode {
  return { kind: Kind.DOCUMENT, definitions: sdlFiles().flatMap(({ name, text }) => parse(new Source(text, name)).definitions) };
}

type StaticResolver = (parent: unknown, args: Record<string, unknown>, context: unknown, info: GraphQLResolveInfo) => unknown;

export type AssembledSchema = { schema: GraphQLSchema; classes: Classified };

/** @param resolvers the static roots' resolvers: what graphql-js answers itself. */
export function assembleSchema(resolvers: Record<string, Record<string, StaticResolver>>): AssembledSchema {
  const document = parseSdl();
  const classes = readClasses(buildASTSchema(document, { assumeValidSDL: false }));
  const described = {
    ...document,
    definitions: document.definitions.map((definition) => withSharing(definition, classes)),
  };
  const schema = makeExecutableSchema({
    typeDefs: described,
    resolvers: { ...scalars, Node: { __resolveType: () => null }, ...resolvers },
  });
  return { schema, classes };
}

/** Adds the generated sentence "Shared with: …" to every field's description. */
function withSharing(definition: DefinitionNode, classes: Classified): DefinitionNode {
  if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.OBJECT_TYPE_EXTENSION) return definition;
  const type = definition as ObjectTypeDefinitionNode;
  const fields = type.fields?.map((field): FieldDefinitionNode => {
    const dataClass = classes.fieldClass(type.name.value, field.name.value);
    const sentence = sharedWith(dataClass, classes.rowClass(type.name.value, field.name.value));
    const value = [field.description?.value, sentence].filter(Boolean).join('\n\n');
    return { ...field, description: { kind: Kind.STRING, value, block: true } };
  });
  const noun = definition.kind === Kind.OBJECT_TYPE_DEFINITION ? nounOf(type.name.value) : null;
  const mastered =
    noun &&
    `Noun \`${noun.noun}\` (${noun.what}): \`masters\` says which system owns it. Where that is another one, rows are copies and only that system writes them.`;
  const value = [type.description?.value, mastered].filter(Boolean).join('\n\n');
  const description = mastered ? { description: { kind: Kind.STRING, value, block: true } } : {};
  return { ...type, ...description, kind: definition.kind, ...(fields ? { fields } : {}) } as DefinitionNode;
}
