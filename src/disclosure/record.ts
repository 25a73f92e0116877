/** What one answer discloses, as it is written down: who, when, why, to whom, about whom. Never values. */
import { createHash } from 'node:crypto';
import type { DocumentNode } from 'graphql';
import { AGREEMENT_VERSION } from '../access/agreement.ts';
import type { Client } from '../access/client.ts';
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
    emergency: null,
  });
  return text.slice(1, -1);
}

/** The record of one answer as JSON text; category as in the Data Protection Act 2018, section 62. */
export function recordText(client: Client, plan: string, shown: Shown): string {
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
    category: client.agency === 'LA' || client.agency === 'TEAM' ? 'CONSULTATION' : 'DISCLOSURE',
  });
  return `${who.slice(0, -1)},${plan},"families":[${shown.families}],"persons":[${shown.persons}]}`;
}

/** What of a plan stands in its records. */
type Planned = { personal: boolean; classes: string[]; fields: string[]; refused: Refused[] };

/** Writes down each answer that asks of people or was refused something; what of a plan is always the same is worked out once. */
export function answerRecords(recorder: Recorder | null) {
  const hashes = new WeakMap<DocumentNode, string>();
  const records = new WeakMap<Planned, string>();
  return async (
    plan: Planned,
    client: Client,
    document: DocumentNode,
    source: string,
    name: string | null,
    seen: string,
  ): Promise<void> => {
    if (!recorder || (!plan.personal && plan.refused.length === 0)) return;
    const hash = hashes.get(document) ?? createHash('sha256').update(source).digest('hex');
    hashes.set(document, hash);
    const fixed = records.get(plan) ?? planRecord(name, hash, plan.classes, plan.fields, plan.refused);
    records.set(plan, fixed);
    await recorder.record(recordText(client, fixed, readShown(seen)));
  };
}
