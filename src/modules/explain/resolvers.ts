/** The roots for who checks who sees what; graphql-js answers them behind the rules of every root. */
import type { StaticContext } from '../../graphql/statics.ts';
import { emergencyFigures, type FiguresArgs } from '../sharing/figures.ts';
import { webhookSecrets } from '../webhook/secrets.ts';
import { agencyView, explainAccess } from './explain.ts';
import { type LevelChange, simulate } from './simulate.ts';
import type { Catalogue } from './verdict.ts';

/** @param catalogue the schema's, known once it is assembled. */
export function explainResolvers(catalogue: () => Catalogue) {
  const answer =
    <A>(work: (args: A, context: StaticContext) => unknown) =>
    async (_parent: unknown, args: A, context: StaticContext) => {
      try {
        return await work(args, context);
      } catch (error) {
        context.failed(error);
        return null;
      }
    };
  return {
    Query: {
      explainAccess: answer((args: Parameters<typeof explainAccess>[3], { client, sources, shown }) =>
        explainAccess(catalogue(), sources, client, args, shown),
      ),
      agencyView: answer((args: Parameters<typeof agencyView>[3], { client, sources, shown }) =>
        agencyView(catalogue(), sources, client, args, shown),
      ),
      emergencyFigures: answer((args: FiguresArgs, { client, sources }) => emergencyFigures(sources.ask, sources.fresh, client, args)),
      webhookSecrets: answer((args: { webhook: string }, { client, sources }) => webhookSecrets(sources, client, args.webhook)),
      simulateAgreement: answer((args: { changes: LevelChange[] }) => simulate(catalogue(), args.changes)),
    },
  };
}
