import { type Binding, code, column, one, type RootBinding } from '../../read/binding.ts';
import { code as codeTable, organisation } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'Organisation',
    anchor: organisation,
    id: 'id',
    fields: {
      code: column(organisation.code),
      name: column(organisation.name),
      agency: column(organisation.agency),
      kind: code('organisation-kind', organisation.kind),
      parent: one('Organisation', organisation.parent, 'id'),
      district: one('District', organisation.district, 'code'),
      phone: column(organisation.phone),
    },
  },
  {
    type: 'Code',
    anchor: codeTable,
    fields: {
      list: column(codeTable.list),
      code: column(codeTable.code),
      label: column(codeTable.label),
      version: column(codeTable.version),
      source: column(codeTable.source),
      validFrom: column(codeTable.validFrom),
      validTo: column(codeTable.validTo),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  codes: {
    kind: 'list',
    to: 'Code',
    order: {
      keys: [
        { column: 'list', type: 'text' },
        { column: 'code', type: 'text' },
        { column: 'version', type: 'text' },
      ],
    },
    filters: { list: { decode: 'text', where: (c, p) => `${c}.list = ${p}` } },
  },
  organisations: {
    kind: 'page',
    to: 'Organisation',
    order: () => ({ keys: [{ column: 'id', type: 'integer' }] }),
    filters: { agency: { decode: 'text', where: (o, p) => `${o}.agency = ${p}` } },
  },
};
