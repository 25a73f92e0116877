import { NOUNS } from '../../change/masters.ts';
import { type Binding, column, computed, type FieldBinding, type RootBinding } from '../../read/binding.ts';
import { nounMaster } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'NounMaster',
    anchor: nounMaster,
    fields: {
      noun: column(nounMaster.noun),
      what: column(nounMaster.what),
      client: column(nounMaster.client),
      system: column(nounMaster.system),
      since: column(nounMaster.since),
      mirrored: computed(nounMaster, (row) => `${row}.client is not null`, { type: 'boolean' }),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = Object.fromEntries(
  NOUNS.map(({ noun, types }) => [
    types[0],
    { master: { kind: 'one', to: 'NounMaster', on: (_row: string, of: string) => `${of}.noun = '${noun}'` } as FieldBinding },
  ]),
);

export const roots: Record<string, RootBinding> = {
  masters: { kind: 'list', to: 'NounMaster', order: { keys: [{ column: 'noun', type: 'text' }] }, filters: {} },
};
