/** The secrets that sign what a webhook sends, for who sets its receiver up. */
import type { Client } from '../../access/client.ts';
import { mayWrite } from '../../access/decide.ts';
import { keyOf } from '../../change/visible.ts';
import { PublicError } from '../../errors.ts';
import type { Sources } from '../explain/explain.ts';

const KEPT = `select coalesce((
    select json_build_object('salt', w.salt, 'generation', w.generation, 'previous', coalesce(w.previous_until > now(), false))
    from fsp.webhook w where w.id = $1::bigint), 'null'::json) as j`;

/** The newest first. Null: no webhook of the caller's organisation, which its login's policy says. @throws PublicError FORBIDDEN */
export async function webhookSecrets(sources: Sources, client: Client, id: string): Promise<string[] | null> {
  if (mayWrite(client, 'OPERATION', 'rotateWebhookSecret').open === false) throw new PublicError('FORBIDDEN');
  const key = keyOf('Webhook', id);
  if (key === null) return null;
  const text = await sources.ask(client.login.name, KEPT, [String(key)]);
  const kept = JSON.parse(text) as { salt: string; generation: number; previous: boolean } | null;
  if (!kept) return null;
  const generations = kept.previous && kept.generation > 1 ? [kept.generation, kept.generation - 1] : [kept.generation];
  return generations.map((generation) => sources.webhookSecret(kept.salt, generation));
}
