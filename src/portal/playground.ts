import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { decodeJwt } from 'jose';
import { loadAssets, loadTemplate, type PlaygroundAssets } from './playground/assets.ts';

/** One identity a reader of the playground can ask as. */
export interface PlaygroundClient {
  id: string;
  label: string;
  agency: string;
  user: string | null;
  userLabel: string | null;
  purposes: string[];
  defaultPurpose: string;
}

/** What the playground needs from the server it is part of. */
export interface PlaygroundOptions {
  /** Path of the GraphQL endpoint on the same origin. */
  endpoint: string;
  /** The demonstration clients, in the order they are offered; none: the page asks for a token instead. */
  clients: () => Promise<PlaygroundClient[]>;
  /** Issues an access token for one of those clients. */
  token: (clientId: string, user: string | null) => Promise<string>;
  /** Every purpose there is, for a reader who brings a token. */
  purposes: readonly string[];
  /** The first query shown. */
  document: string;
  /** The first variables shown, as JSON text. */
  variables: string;
}

const ASSETS_PATH = '/playground/assets';

/**
 * Adds the playground: GraphiQL with a switch between the demonstration clients,
 * served whole from this server so that it works on a closed network.
 *
 * It hands an access token for any listed client to whoever opens the page, so in
 * production nobody may be listed: then it hands out nothing, and the reader brings
 * a token of the identity provider. The caller decides; this function does not look
 * at the environment.
 */
export async function registerPlayground(app: FastifyInstance, options: PlaygroundOptions): Promise<void> {
  const assets = loadAssets();
  const template = loadTemplate();

  await app.register(async (scope) => {
    scope.addHook('onRequest', refuseOtherSites);

    scope.get('/playground', async (_request, reply) => {
      const nonce = randomBytes(16).toString('base64');
      return reply
        .headers(pageHeaders(nonce))
        .type('text/html; charset=utf-8')
        .send(renderPage(template, assets, options, nonce));
    });

    scope.get<{ Params: { name: string } }>(`${ASSETS_PATH}/:name`, async (request, reply) => sendAsset(request, reply, assets));

    scope.get('/playground/clients', async (_request, reply) => reply.header('cache-control', 'no-store').send(await options.clients()));

    scope.post('/playground/token', async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const wanted = readWanted(request.body);
      if (!wanted) {
        return reply.code(400).send({ error: 'Send JSON naming the client, as {"client": "..."}.' });
      }
      const client = (await options.clients()).find(
        (one) => one.id === wanted.client && (wanted.user === undefined || one.user === wanted.user),
      );
      if (!client) {
        return reply.code(404).send({ error: 'No such demonstration client.' });
      }
      const token = await options.token(client.id, client.user);
      return reply.send({ token, ...remainingLife(token) });
    });
  });
}

/**
 * Another site must not be able to read the page's answers even where the server
 * allows cross-origin calls to the API. Browsers set this header themselves and a
 * page cannot forge it; opening the page from a link elsewhere is still allowed.
 */
async function refuseOtherSites(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  if (fromOwnPage(request)) return undefined;
  return reply.code(403).send({ error: 'The playground answers its own page only.' });
}

/** Whether a request is one of this server's own pages, or opens one. */
export function fromOwnPage(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  const opened = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
  return site === undefined || site === 'same-origin' || opened;
}

function readWanted(body: unknown): { client: string; user: string | null | undefined } | null {
  if (typeof body !== 'object' || body === null) {
    return null;
  }
  const { client, user } = body as { client?: unknown; user?: unknown };
  if (typeof client !== 'string') {
    return null;
  }
  if (user !== undefined && user !== null && typeof user !== 'string') {
    return null;
  }
  return { client, user };
}

/** Seconds left on a JSON Web Token, so that the page renews it in time; nothing for other tokens. */
function remainingLife(token: string): { expiresIn?: number } {
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? {} : { expiresIn: Math.max(0, exp - Math.floor(Date.now() / 1000)) };
  } catch {
    return {};
  }
}

function pageHeaders(nonce: string): Record<string, string> {
  return {
    // Set here in full because the page needs its own policy, not the API's. GraphiQL's
    // dialogs add one style element (scroll lock), which the nonce allows; images may be
    // data: for the editor's underline marks. Scripts come from this server's files only.
    'content-security-policy': [
      "default-src 'self'",
      "script-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
      "img-src 'self' data:",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}

function renderPage(template: string, assets: PlaygroundAssets, options: PlaygroundOptions, nonce: string): string {
  const values: Record<string, string> = {
    endpoint: options.endpoint,
    document: options.document,
    variables: options.variables,
    purposes: options.purposes.join(' '),
    nonce,
  };
  return template.replace(/\{\{(asset:)?([\w.-]+)\}\}/g, (_whole, asset, name: string) =>
    escapeHtml(asset ? `${ASSETS_PATH}/${assets.nameOf(name)}` : (values[name] ?? '')),
  );
}

function sendAsset(request: FastifyRequest<{ Params: { name: string } }>, reply: FastifyReply, assets: PlaygroundAssets): FastifyReply {
  const asset = assets.find(request.params.name);
  if (!asset) {
    return reply.code(404).send({ error: 'No such file.' });
  }
  reply
    .header('cache-control', 'public, max-age=31536000, immutable')
    .header('vary', 'accept-encoding')
    .header('x-content-type-options', 'nosniff')
    .type(asset.type);
  if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    return reply.header('content-encoding', 'gzip').send(asset.zipped());
  }
  return reply.send(asset.body);
}

function escapeHtml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // A line break in an attribute value survives parsing only as a character reference.
      .replaceAll('\r', '&#13;')
      .replaceAll('\n', '&#10;')
  );
}
