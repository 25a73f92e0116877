/** Hearing what children and adults of the family say, and saying what was done about it. */
import type { Client } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { bornKeptFrom, together } from '../../change/kept-from.ts';
import { each, keysOf, membersNamed, one } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { EndTrustedAdultInput, NameTrustedAdultInput, RecordRelationshipFeedbackInput } from '../../graphql/generated.ts';
import { type AnswerInput, checkAnswer, checkFeedback, checkTrusted, checkVoice, type VoiceInput } from './rules.ts';
import { adultVoice, adultVoiceAnswer, childVoice, childVoiceAnswer, relationshipFeedback, trustedAdult } from './tables.ts';

type Who = { family: string; person: string; keptFrom?: readonly string[] | null };

/** The keys that every row about one person of a family carries; or what of them is wrong. */
async function ownedBy(tx: Transaction, client: Client, input: Who, errors: UserError[]) {
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) {
    errors.push(notFound('family', 'family'));
    return null;
  }
  const members = await membersNamed(tx, family, [...one('person', input.person), ...each('keptFrom', input.keptFrom)], errors);
  const person = members.get(input.person);
  if (errors.length > 0 || person === undefined) return null;
  const keptFrom = together(keysOf(members, input.keptFrom), await bornKeptFrom(tx, family, [person]));
  return { family, person, keptFrom, controller: client.organisation.id, worker: client.user };
}

const KINDS = {
  Child: { voice: childVoice, answer: childVoiceAnswer, dataClass: 'CHILD_VOICE' },
  Adult: { voice: adultVoice, answer: adultVoiceAnswer, dataClass: 'ADULT_VOICE' },
} as const;

const record =
  (kind: keyof typeof KINDS): Command =>
  async (tx, raw, client, now) => {
    const input = raw as unknown as VoiceInput;
    const { voice, dataClass } = KINDS[kind];
    const errors = checkVoice(input, now);
    errors.push(
      ...(await checkCodes(tx, input.on, [
        { list: 'voice-medium', value: input.medium, path: ['medium'] },
        { list: 'child-agrees', value: input.mayKnow, path: ['mayKnow'] },
      ])),
    );
    const owned = await ownedBy(tx, client, input, errors);
    if (!owned) return { userErrors: errors };
    const [heard] = await tx
      .insert(voice)
      .values({
        ...owned,
        words: input.words,
        medium: input.medium,
        saidOn: input.on,
        heardBy: input.heardBy ?? client.userName ?? client.id,
        wants: input.wants ?? null,
        ...(input.mayKnow ? { mayKnow: input.mayKnow } : {}),
      })
      .returning({ id: voice.id });
    return {
      change: {
        action: `record${kind}Voice`,
        entity: `${kind}Voice`,
        id: (heard as { id: number }).id,
        family: owned.family,
        persons: [owned.person],
        dataClasses: [dataClass],
      },
    };
  };

const answer =
  (kind: keyof typeof KINDS): Command =>
  async (tx, raw, client, now) => {
    const input = raw as unknown as AnswerInput;
    const { voice, answer: table, dataClass } = KINDS[kind];
    const row = await visibleRow(tx, voice, keyOf(`${kind}Voice`, input.voice), client);
    if (!row) return { userErrors: [notFound('voice', 'voice')] };
    const errors = checkAnswer(input, row.saidOn, now);
    if (errors.length > 0) return { userErrors: errors };
    const [done] = await tx
      .insert(table)
      .values({
        voice: row.id,
        family: row.family,
        person: row.person,
        keptFrom: row.keptFrom,
        controller: client.organisation.id,
        worker: client.user,
        done: input.done,
        doneOn: input.on,
        doneBy: client.userName ?? client.id,
      })
      .returning({ id: table.id });
    return {
      change: {
        action: `answer${kind}Voice`,
        entity: `${kind}VoiceAnswer`,
        id: (done as { id: number }).id,
        family: row.family,
        persons: [row.person],
        dataClasses: [dataClass],
      },
    };
  };

export const recordChildVoice = record('Child');
export const answerChildVoice = answer('Child');
export const recordAdultVoice = record('Adult');
export const answerAdultVoice = answer('Adult');

export const nameTrustedAdult: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<NameTrustedAdultInput, 'idempotencyKey'>;
  const errors = checkTrusted(input, now);
  const owned = await ownedBy(tx, client, input, errors);
  if (!owned) return { userErrors: errors };
  const [named] = await tx
    .insert(trustedAdult)
    .values({ ...owned, name: input.name, role: input.role, from: input.from })
    .returning({ id: trustedAdult.id });
  return {
    change: {
      action: 'nameTrustedAdult',
      entity: 'TrustedAdult',
      id: (named as { id: number }).id,
      family: owned.family,
      persons: [owned.person],
      dataClasses: ['CHILD_VOICE'],
    },
  };
};

export const endTrustedAdult: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<EndTrustedAdultInput, 'idempotencyKey'>;
  const { errors, invalid, past } = faults();
  past(input.on, now, 'on');
  const key = keyOf('TrustedAdult', input.trustedAdult);
  const row = await visibleRow(tx, trustedAdult, key, client);
  if (!row) return { userErrors: [...errors, notFound('trusted adult', 'trustedAdult')] };
  if (input.on < row.from) invalid(`Must not be before ${row.from}, when it began.`, 'on');
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'trusted adult', path: ['trustedAdult'] };
  const refused = await amend(tx, client, trustedAdult, key, input.expectedVersion, { until: input.on }, what);
  if (refused) return { userErrors: [refused] };
  return {
    change: {
      action: 'endTrustedAdult',
      entity: 'TrustedAdult',
      id: row.id,
      family: row.family,
      persons: [row.person],
      dataClasses: ['CHILD_VOICE'],
    },
  };
};

export const recordRelationshipFeedback: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordRelationshipFeedbackInput, 'idempotencyKey'>;
  const errors = checkFeedback(input, now);
  const owned = await ownedBy(tx, client, input, errors);
  if (!owned) return { userErrors: errors };
  const [given] = await tx
    .insert(relationshipFeedback)
    .values({
      ...owned,
      about: input.about,
      listened: input.listened ?? null,
      comfortable: input.comfortable ?? null,
      independence: input.independence ?? null,
      knewMe: input.knewMe ?? null,
      words: input.words ?? null,
      saidOn: input.on,
    })
    .returning({ id: relationshipFeedback.id });
  return {
    change: {
      action: 'recordRelationshipFeedback',
      entity: 'RelationshipFeedback',
      id: (given as { id: number }).id,
      family: owned.family,
      persons: [owned.person],
      dataClasses: ['CHILD_VOICE'],
    },
  };
};
