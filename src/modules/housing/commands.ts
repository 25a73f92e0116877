/** Housing sought without a name: asked by the county, answered by a council, and whose it is told when an offer is accepted. */
import { and, eq, inArray, sql } from 'drizzle-orm';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type {
  AcceptHousingOfferInput,
  AnswerHousingNeedInput,
  AskForHousingInput,
  CloseHousingNeedInput,
  RecordHousingAnswerInput,
  RefuseHousingOfferInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { takingPlace } from '../district/full.ts';
import { service } from '../district/tables.ts';
import { maySayWho, memberOf } from '../sharing/named.ts';
import { housingDesk } from './desk.ts';
import { checkAcceptance, checkAnswer, checkStep, mondayOf } from './rules.ts';
import { type AnswerStatus, housingAnswer, housingIntroduction, housingNeed, housingOrigin, type NeedStatus } from './tables.ts';

type Given<T> = Omit<T, 'idempotencyKey'>;
const ANSWER = { name: 'answer', path: ['answer'] };
const NEED = { name: 'need', path: ['need'] };

/** Fields of the make-up as the database tells them, by their names there. */
type Profile = {
  adults: number | null;
  children: number | null;
  aged_0_4: number | null;
  aged_5_10: number | null;
  aged_11_15: number | null;
  aged_16_17: number | null;
  area: string | null;
};

export const askForHousing: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<AskForHousingInput>;
  const day = today(now);
  const errors: UserError[] = await checkCodes(tx, day, [
    { list: 'housing-need', value: input.need, path: ['need'] },
    { list: 'housing-within', value: input.within, path: ['within'] },
  ]);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const person = await memberOf(tx, family, input.person, client);
  if (person === null) errors.push(notFound('member of this family', 'person'));
  const desk = await housingDesk(tx, input.council);
  if (desk === null) errors.push(notFound("council's housing desk", 'council'));
  if (errors.length > 0 || person === null || desk === null) return { userErrors: errors };

  // Two who ask for one family at the same time stand in a queue.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('fsp.housing_need'), hashint8(${family}::bigint))`);
  const asked = await tx
    .select({ id: housingNeed.id })
    .from(housingNeed)
    .innerJoin(housingOrigin, eq(housingOrigin.need, housingNeed.id))
    .where(and(eq(housingOrigin.family, family), eq(housingNeed.addressee, desk), inArray(housingNeed.status, ['OPEN', 'ACCEPTED'])));
  if (asked.length > 0) {
    const { rule, errors: twice } = faults();
    rule('HOUSING_ASKED', 'This council is asked already for this family: two profiles of one household tell more than one.', 'council');
    return { userErrors: twice };
  }
  const { rows } = await tx.execute<Profile>(sql`select * from fsp.housing_profile(${family}::bigint, ${person}::bigint)`);
  const profile = rows[0] as Profile;
  const [made] = await tx
    .insert(housingNeed)
    .values({
      sender: client.organisation.id,
      addressee: desk,
      need: input.need,
      within: input.within,
      adults: profile.adults,
      children: profile.children,
      aged0To4: profile.aged_0_4,
      aged5To10: profile.aged_5_10,
      aged11To15: profile.aged_11_15,
      aged16To17: profile.aged_16_17,
      area: profile.area,
      week: mondayOf(day),
    })
    .returning({ id: housingNeed.id });
  const id = (made as { id: number }).id;
  await tx.insert(housingOrigin).values({ need: id, family, person, controller: client.organisation.id, worker: client.user });
  // The record of changes names no family here: whatever is made of it, the need cannot be put beside one.
  return { change: { action: 'askForHousing', entity: 'HousingNeed', id, family: null, persons: [], dataClasses: ['OFFER'] } };
};

/** A change of rows between the two, that names nobody. */
const between = (action: string, entity: 'HousingNeed' | 'HousingAnswer', id: number) => ({
  change: { action, entity, id, family: null, persons: [], dataClasses: ['OFFER' as const] },
});

export const answerHousingNeed: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<AnswerHousingNeedInput>;
  const day = today(now);
  const errors = checkAnswer(input, day);
  errors.push(
    ...(await checkCodes(tx, day, [
      { list: 'housing-offer', value: input.kind, path: ['kind'] },
      { list: 'offer-reason', value: input.reason, path: ['reason'] },
    ])),
  );
  const need = await visibleRow(tx, housingNeed, keyOf('HousingNeed', input.need), client);
  if (!need || need.addressee !== client.organisation.id) return { userErrors: [...errors, notFound(NEED.name, ...NEED.path)] };
  const { rule, errors: late } = faults();
  if (need.status !== 'OPEN') rule('HOUSING_STEP', `The need is ${need.status}: nothing is asked any more.`, 'need');
  errors.push(...late);
  const by = input.service ? keyOf('Service', input.service) : null;
  const [own] =
    by === null
      ? []
      : await tx
          .select({ id: service.id })
          .from(service)
          .where(and(eq(service.id, by), eq(service.organisation, client.organisation.id), eq(service.active, true)));
  if (input.service && !own) errors.push(notFound('service of yours', 'service'));
  if (errors.length > 0) return { userErrors: errors };
  const [made] = await tx
    .insert(housingAnswer)
    .values({
      need: need.id,
      sender: client.organisation.id,
      addressee: need.sender,
      worker: client.user,
      status: input.answer,
      kind: input.kind ?? null,
      service: own?.id ?? null,
      bedrooms: input.bedrooms ?? null,
      availableFrom: input.availableFrom ?? null,
      heldUntil: input.heldUntil ?? null,
      note: input.note ?? null,
      reason: input.reason ?? null,
      answeredOn: day,
    })
    .returning({ id: housingAnswer.id });
  return between('answerHousingNeed', 'HousingAnswer', (made as { id: number }).id);
};

export const acceptHousingOffer: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<AcceptHousingOfferInput>;
  const day = today(now);
  const key = keyOf('HousingAnswer', input.answer);
  const answer = await visibleRow(tx, housingAnswer, key, client);
  const need = answer ? await visibleRow(tx, housingNeed, answer.need, client) : null;
  const [origin] = need ? await tx.select().from(housingOrigin).where(eq(housingOrigin.need, need.id)) : [];
  if (!answer || !need || !origin || !(await familyVisible(tx, origin.family, client)))
    return { userErrors: [notFound(ANSWER.name, ...ANSWER.path)] };
  const at = { status: answer.status as AnswerStatus, heldUntil: answer.heldUntil, need: need.status as NeedStatus };
  const errors = answer.version === input.expectedVersion ? checkAcceptance(input, at, now, day) : [];
  if (!(await maySayWho(tx, client, origin.family, origin.person))) {
    const { rule, errors: closed } = faults();
    rule('WHEREABOUTS_PROTECTED', 'Where this person is, is protected: who is named with them, or a manager, introduces them.', 'answer');
    errors.push(...closed);
  }
  if (errors.length > 0) return { userErrors: errors };
  const refused = await takingPlace(
    () => amend(tx, client, housingAnswer, key, input.expectedVersion, { status: 'ACCEPTED' }, ANSWER),
    'answer',
  );
  if (refused) return { userErrors: [refused] };
  // Of two acceptances at once one finds the need taken.
  const taken = await tx
    .update(housingNeed)
    .set({ status: 'ACCEPTED' })
    .where(and(eq(housingNeed.id, need.id), eq(housingNeed.status, 'OPEN')));
  if (taken.rowCount !== 1) {
    const { rule, errors: gone } = faults();
    rule('HOUSING_STEP', 'Another offer has been accepted meanwhile.', 'answer');
    return { userErrors: gone };
  }
  const { rows } = await tx.execute<{ id: string }>(sql`select fsp.open_involvement(${origin.family}::bigint, ${origin.person}::bigint,
    ${answer.sender}::integer, 'housing-officer', null, null, false, true, ${now.toISOString()}::timestamptz, null) as id`);
  await tx.insert(housingIntroduction).values({
    answer: answer.id,
    need: need.id,
    sender: client.organisation.id,
    addressee: answer.sender,
    aboutFamily: origin.family,
    aboutPerson: origin.person,
    involvement: Number(rows[0]?.id),
    agreedOn: input.agreed,
    contactAgreed: input.contactAgreed,
    introducedOn: day,
  });
  return between('acceptHousingOffer', 'HousingAnswer', answer.id);
};

export const refuseHousingOffer: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<RefuseHousingOfferInput>;
  const errors = await checkCodes(tx, today(now), [{ list: 'offer-reason', value: input.reason, path: ['reason'] }]);
  const key = keyOf('HousingAnswer', input.answer);
  const answer = await visibleRow(tx, housingAnswer, key, client);
  if (!answer || answer.addressee !== client.organisation.id) return { userErrors: [...errors, notFound(ANSWER.name, ...ANSWER.path)] };
  const { rule, errors: order } = faults();
  if (answer.version === input.expectedVersion && !['OFFERED', 'WAITING'].includes(answer.status))
    rule('HOUSING_STEP', `An answer that is ${answer.status} cannot become REFUSED.`, 'answer');
  errors.push(...order);
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(tx, client, housingAnswer, key, input.expectedVersion, { status: 'REFUSED', reason: input.reason }, ANSWER);
  return refused ? { userErrors: [refused] } : between('refuseHousingOffer', 'HousingAnswer', answer.id);
};

export const recordHousingAnswer: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<RecordHousingAnswerInput>;
  const errors = await checkCodes(tx, today(now), [{ list: 'offer-reason', value: input.reason, path: ['reason'] }]);
  const key = keyOf('HousingAnswer', input.answer);
  const answer = await visibleRow(tx, housingAnswer, key, client);
  if (!answer || answer.sender !== client.organisation.id) return { userErrors: [...errors, notFound(ANSWER.name, ...ANSWER.path)] };
  if (answer.version === input.expectedVersion) errors.push(...checkStep(input.status, answer.status, input.reason));
  if (errors.length > 0) return { userErrors: errors };
  const set = { status: input.status, ...(input.reason ? { reason: input.reason } : {}) };
  const refused = await amend(tx, client, housingAnswer, key, input.expectedVersion, set, ANSWER);
  return refused ? { userErrors: [refused] } : between('recordHousingAnswer', 'HousingAnswer', answer.id);
};

export const closeHousingNeed: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<CloseHousingNeedInput>;
  const errors = await checkCodes(tx, today(now), [{ list: 'offer-reason', value: input.reason, path: ['reason'] }]);
  const key = keyOf('HousingNeed', input.need);
  const need = await visibleRow(tx, housingNeed, key, client);
  if (!need || need.sender !== client.organisation.id) return { userErrors: [...errors, notFound(NEED.name, ...NEED.path)] };
  const { rule, errors: order } = faults();
  if (need.version === input.expectedVersion && !['OPEN', 'ACCEPTED'].includes(need.status))
    rule('HOUSING_STEP', `The need is ${need.status} already.`, 'need');
  errors.push(...order);
  if (errors.length > 0) return { userErrors: errors };
  // Its answers first and the need after them, as a desk takes them that ends its answer.
  await tx
    .select({ id: housingAnswer.id })
    .from(housingAnswer)
    .where(eq(housingAnswer.need, need.id))
    .orderBy(housingAnswer.id)
    .for('no key update');
  const status = need.status === 'OPEN' ? 'WITHDRAWN' : 'ENDED';
  const refused = await amend(tx, client, housingNeed, key, input.expectedVersion, { status, reason: input.reason }, NEED);
  return refused ? { userErrors: [refused] } : between('closeHousingNeed', 'HousingNeed', need.id);
};
