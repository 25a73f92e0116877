/** The roots that graphql-js answers itself: who am I, and the agreement. */
import { AGREEMENT, AGREEMENT_VERSION } from '../../access/agreement.ts';
import { AGENCIES, type Agency, type DataClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { mayRead } from '../../access/decide.ts';
import { LEVEL_NAME } from '../../access/describe.ts';
import type { Classified } from '../../graphql/classes.ts';

const CLASSES = Object.keys(AGREEMENT) as (keyof typeof AGREEMENT)[];

/** @param classes the schema's, known once it is assembled. */
export function sharingResolvers(classes: () => Classified) {
  const fieldsOf = (dataClass: DataClass) =>
    classes()
      .all.filter((field) => field.dataClass === dataClass)
      .map(({ type, field }) => `${type}.${field}`)
      .sort();
  return {
    Query: {
      viewer: (_parent: unknown, _args: unknown, context: unknown) => viewerOf((context as { client: Client }).client),
      sharingMatrix: (_parent: unknown, args: { agency?: Agency | null }) =>
        CLASSES.flatMap((dataClass) =>
          AGENCIES.filter((agency) => !args.agency || args.agency === agency).map((agency) => ({
            class: dataClass,
            description: AGREEMENT[dataClass].what,
            agency,
            level: LEVEL_NAME[AGREEMENT[dataClass].levels[agency]],
            fields: fieldsOf(dataClass),
          })),
        ),
    },
  };
}

function viewerOf(client: Client) {
  return {
    organisation: client.organisation.code,
    organisationName: client.organisation.name,
    agency: client.agency,
    client: client.id,
    user: client.user,
    purpose: client.purpose,
    purposes: client.purposes,
    scopes: [...client.scopes].sort(),
    agreementVersion: AGREEMENT_VERSION,
    classes: CLASSES.flatMap((dataClass) => {
      const access = mayRead(client, dataClass);
      if (access.open === false) return [];
      const level = AGREEMENT[dataClass].levels[client.agency];
      return [{ class: dataClass, level: access.open === 'own-by-purpose' ? 'OWN_ROWS' : LEVEL_NAME[level] }];
    }),
  };
}
