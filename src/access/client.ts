/** Who asks: what a verified token, the client table and the request's purpose come to. */
import type { Purpose } from './agreement.ts';
import type { Agency } from './classes.ts';

/** The asking application, its organisation, and the person working with it. Made once for each request, frozen. */
export type Client = Readonly<{
  id: string;
  organisation: Readonly<{ id: number; code: string; name: string }>;
  agency: Agency;
  /** The PostgreSQL login this request runs on, and its key in the grant tables. */
  login: Readonly<{ id: number; name: string; sealed: boolean }>;
  scopes: ReadonlySet<string>;
  purposes: readonly Purpose[];
  /** Its system keeps restricted, sensitive and kept-from records as they are kept here, so its operator declared. */
  honoursRestrictions: boolean;
  /** What it is shown is copied into its own system: it reads the change feed. */
  copies?: true;
  purpose: Purpose;
  /** Null where the client works without a person: then rules about users deny. */
  user: string | null;
  /** The person's name, as their organisation gave it. */
  userName: string | null;
  /** The token's `jti`. */
  token: string;
  /** What of the client a plan depends on; two clients that agree in it share their plans. */
  planKey: string;
  requestId: string;
  correlationId: string | null;
  address: string;
}>;

/** Roles are scopes `role:<name>`. */
export function hasRole(client: Pick<Client, 'scopes'>, role: string): boolean {
  return client.scopes.has(`role:${role}`);
}
