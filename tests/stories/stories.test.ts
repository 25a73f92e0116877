/** Three families' stories, from the first call-out or referral to the step down, told as commands through the API. */
import { appendFileSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';
import { ASHDOWN } from './ashdown.ts';
import { DUNMORE } from './dunmore.ts';
import { HARTWELL } from './hartwell.ts';
import { player } from './runner.ts';

let server: TestServer;
let owner: pg.Client;
beforeAll(async () => {
  const url = await ownDatabase('fsp_stories');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
}, 120_000);
afterAll(async () => {
  await owner.end();
  await server.close();
});

describe.each([HARTWELL, ASHDOWN, DUNMORE])('$title', (story) => {
  const play: { step?: ReturnType<typeof player> } = {};
  beforeAll(() => {
    play.step = player(server, owner, story);
  });

  it.each(story.steps.map((step, index) => [`${step.on} ${step.do}`, step, index] as const))(
    '%s',
    async (_name, step, index) => {
      const found = await (play.step as ReturnType<typeof player>)(step, index);
      if (process.env.OBSERVE) appendFileSync(process.env.OBSERVE, `${JSON.stringify({ story: story.title, ...found })}\n`);
      expect(found.userErrors).toEqual([]);
      if (step.after) expect(found.after).toEqual(step.after);
    },
    60_000,
  );
});
