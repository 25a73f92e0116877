/** A feed of Open Referral UK that behaves as it is told to, over HTTP on this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { uuidOf } from '../../src/exchange/open-referral/profile.ts';

export type Service = Record<string, any>;

/** A service of the profile, number `n`. */
export const madeService = (n: number, more: Service = {}): Service => ({
  id: uuidOf('made', String(n)),
  name: `Made service ${n}`,
  description: `What number ${n} does.`,
  status: 'active',
  schedules: [],
  ...more,
});

export type TestFeed = {
  url: string;
  host: string;
  services: Service[];
  /** Answers in place of the feed; true: it did. */
  instead: ((url: URL, response: ServerResponse, request: IncomingMessage) => boolean) | null;
  /** Changes a page's envelope. */
  envelope: (page: Record<string, unknown>) => unknown;
  asked: string[];
  close(): Promise<void>;
};

export async function testFeed(size = 100): Promise<TestFeed> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', feed.url);
    feed.asked.push(`${url.pathname}${url.search}`);
    if (feed.instead?.(url, response, request)) return;
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const one = /\/services\/(.+)$/.exec(url.pathname);
    if (one) {
      const found = feed.services.find(({ id }) => String(id) === decodeURIComponent(one[1] as string));
      return void (found ? send(200, found) : send(404, {}));
    }
    const page = Number(url.searchParams.get('page') ?? 1);
    const pages = Math.max(1, Math.ceil(feed.services.length / size));
    const contents = feed.services.slice((page - 1) * size, page * size);
    send(
      200,
      feed.envelope({
        total_items: feed.services.length,
        total_pages: pages,
        page_number: page,
        size: contents.length,
        first_page: page === 1,
        last_page: page >= pages,
        empty: contents.length === 0,
        contents,
      }),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const feed: TestFeed = {
    url: `http://${host}/api`,
    host,
    services: [],
    instead: null,
    envelope: (page) => page,
    asked: [],
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
  return feed;
}
