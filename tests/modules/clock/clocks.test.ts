/** Clocks and tasks in the database: started, met, ended, and how they stand today. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../../src/access/client.ts';
import { parseDatabaseServer } from '../../../src/config.ts';
import { createTransactions, type Transaction, type Transactions } from '../../../src/db/transactions.ts';
import { addDays, OutsideCalendar, today } from '../../../src/modules/clock/calendar.ts';
import { clockState, taskState } from '../../../src/modules/clock/rules.ts';
import { addTask, endClock, meetClock, type StartClock, startClock, timescaleInForce } from '../../../src/modules/clock/service.ts';
import { encodeId, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let transactions: Transactions;
let county: Client;

beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_clocks');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  // Which login may write a clock is the agreement's to say: here it is the owner that writes.
  const { database } = parseDatabaseServer(ownerUrl);
  transactions = createTransactions(parseDatabaseServer(ownerUrl), 'owner');
  void database;
  const { rows } = await owner.query("select id, code, name from fsp.organisation where code = 'occ'");
  county = { organisation: rows[0], user: 'grace.whitlock', userName: 'Grace Whitlock' } as unknown as Client;
});
afterAll(async () => {
  await transactions.end();
  await server.close();
  await owner.end();
});
