/** What one answer discloses, as it is written down: who, when, why, to whom, about whom. Never values. */
import { createHash } from 'node:crypto';
import type { DocumentNode } from 'graphql';
import { AGREEMENT_VERSION } from '../access/agreement.ts';
import type { Client } from '../access/client.ts';
import { type ErrorCode, PublicError } from '../errors.ts';
import type { Refused } from '../read/context.ts';
import type { Recorder } from './recorder.ts';

/** Families and persons, as the compiled statement lists them (`f12,p34,`). */
export type Shown = { families: string[]; persons: string[] };

/** Reads the statement's list of families and persons; each once, in the order of the answer. */
export function readShown(seen: string): Shown {
  const families = new Set<string>();
  const persons = new Set<string>();
  for (const item of seen.split(',')) {
    if (item !== '') (item[0] === 'f' ? families : persons).add(item.slice(1));
  }
  return { families: [...families], persons: [...persons] };
}

/** What of a record is the same for every run of a plan, as JSON text without its braces. */
export function planRecord(
  operation: string | null,
  documentHash: string,
  classes: string[],
  fields: string[],
  refused: Refused[],
): string {
  const text = JSON.stringify({
    operation,
    document: documentHash,
    classes,
    fields,
    refused: refused.map(({ field, reason }) => ({ field, reason })),
    agreement: AGREEMENT_VERSION,
  });
  return text.slice(1, -1);
}

/** What came of it where it was no answer. */
export type Outcome = {
  /** Its code: nothing was shown. */
  failed?: ErrorCode;
  alert?: Alert;
  /** Why nobody was recognised. */
  reason?: string;
  /** How many of the same within a minute, where they are counted. */
  count?: number;
};

/** What somebody should hear of. */
export type Alert = 'DISCLOSURE_BUDGET';

/** Who asks, as a record has it. An open emergency under which they do is the caller's. */
export type Asking = Client & { emergency?: string | null };

export const NOBODY: Shown = { families: [], persons: [] };

/**
 * The record of one answer as JSON text; category as in the Data Protection Act 2018, section 62. Its time is for the
 * reader of one server's records: what counts is the database's, which stands beside it.
 */
export function recordText(client: Asking, plan: string, shown: Shown, outcome: Outcome = {}, altered = false): string {
  const disclosed = client.agency === 'LA' || client.agency === 'TEAM' ? 'CONSULTATION' : 'DISCLOSURE';
  const who = JSON.stringify({
    at: new Date().toISOString(),
    organisation: client.organisation.code,
    client: client.id,
    user: client.user,
    token: client.token,
    request: client.requestId,
    correlation: client.correlationId,
    address: client.address,
    purpose: client.purpose,
    category: altered ? 'ALTERATION' : disclosed,
    emergency: client.emergency ?? null,
    ...outcome,
  });
  return `${who.slice(0, -1)},${plan},"families":[${shown.families}],"persons":[${shown.persons}]}`;
}

/** The record of callers who were not recognised, so many within a minute and for one reason. */
export function strangersRecord(reason: string, count: number): string {
  const outcome: Outcome = { failed: 'UNAUTHENTICATED', reason, count };
  const nothing = planRecord(null, '', [], [], []);
  return `${JSON.stringify({ at: new Date().toISOString(), organisation: null, ...outcome }).slice(0, -1)},${nothing},"families":[],"persons":[]}`;
}

/** What of a plan stands in its records. */
type Planned = { personal: boolean; classes: string[]; fields: string[]; refused: Refused[] };

/** The document that was asked, and the operation of it. */
export type Question = { document: DocumentNode; source: string; name: string | null };

/** Puts an answer, or that there was none, on record. */
export type Records = {
  /** Of an answer that asks of people or was refused something: resolves when it is durable. */
  answer(plan: Planned, client: Asking, asked: Question, shown: Shown, altered: boolean): Promise<void>;
  /** Of a question that failed: by its code, with nobody shown. Never throws: what cannot be written here was not shown either. */
  failure(plan: Planned | null, client: Asking, asked: Question, outcome: Outcome, error: unknown): Promise<void>;
};

/** What of a plan is always the same is worked out once. */
export function answerRecords(recorder: Recorder | null): Records {
  const hashes = new WeakMap<DocumentNode, string>();
  const records = new WeakMap<Planned, string>();
  /** Errors that say that the record could not be written. */
  const unwritten = new WeakSet<object>();
  const hashOf = ({ document, source }: Question) => {
    const hash = hashes.get(document) ?? createHash('sha256').update(source).digest('hex');
    hashes.set(document, hash);
    return hash;
  };
  const isOf = (plan: Planned) => plan.personal || plan.refused.length > 0;
  return {
    async answer(plan, client, asked, shown, altered) {
      if (!recorder || !isOf(plan)) return;
      const fixed = records.get(plan) ?? planRecord(asked.name, hashOf(asked), plan.classes, plan.fields, plan.refused);
      records.set(plan, fixed);
      await recorder.record(recordText(client, fixed, shown, {}, altered)).catch((error) => {
        unwritten.add(error);
        throw error;
      });
    },
    async failure(plan, client, asked, outcome, error) {
      if (!recorder || unwritten.has(error as object) || (plan && !isOf(plan))) return;
      const nothing = planRecord(asked.name, hashOf(asked), [], [], plan?.refused ?? []);
      await recorder.record(recordText(client, nothing, NOBODY, outcome)).catch(() => {});
    },
  };
}

/** The code by which an error is on record. */
export const codeOf = (error: unknown): ErrorCode => (error instanceof PublicError ? error.code : 'INTERNAL');
