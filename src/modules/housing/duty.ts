/** The duty to refer (Housing Act 1996 s.213B, put in by the Homelessness Reduction Act 2017 s.10). */
import { and, eq, notInArray, sql } from 'drizzle-orm';
import { AT_RISK, type Stage } from '../../access/agreement.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { AnswerHousingReferralInput, ReferForHousingInput, WithdrawHousingReferralInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { familyStage } from '../family/tables.ts';
import { answersForRecord, maySayWho, memberOf } from '../sharing/named.ts';
import { housingDesk } from './desk.ts';
import { checkReferral, checkReferralStep } from './rules.ts';
import { housingReferral, housingReferralContact, housingReferralWhy, OVER, type ReferralStatus } from './tables.ts';

type Given<T> = Omit<T, 'idempotencyKey'>;
const REFERRAL = { name: 'referral', path: ['referral'] };
const CONSENT = 'HA1996-s213B';

export const referForHousing: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<ReferForHousingInput>;
  const day = today(now);
  const family = keyOf('Family', input.family);
  const seen = family !== null && (await familyVisible(tx, family, client));
  const [stage] = seen ? await tx.select().from(familyStage).where(eq(familyStage.family, family)) : [];
  const atRisk = AT_RISK.includes((stage?.stage ?? 'EARLY_HELP') as Stage) || stage?.marac === true;
  const errors = checkReferral(input, { atRisk, manager: answersForRecord(client) }, now);
  errors.push(
    ...(await checkCodes(tx, day, [
      { list: 'told-how', value: input.consent?.how, path: ['consent', 'how'] },
      { list: 'sharing-gateway', value: input.withoutConsent?.gateway, path: ['withoutConsent', 'gateway'] },
    ])),
  );
  if (!seen) return { userErrors: [...errors, notFound('family', 'family')] };
  const person = await memberOf(tx, family, input.person, client);
  if (person === null) errors.push(notFound('member of this family', 'person'));
  const desk = await housingDesk(tx, input.council);
  if (desk === null) errors.push(notFound("council's housing desk", 'council'));
  const { rule, errors: closed } = faults();
  if (person !== null && !(await maySayWho(tx, client, family, person)))
    rule('WHEREABOUTS_PROTECTED', 'Where this person is, is protected: who is named with them, or a manager, refers them.', 'person');
  errors.push(...closed);
  if (errors.length > 0 || person === null || desk === null) return { userErrors: errors };
  // Two who refer one person at the same time stand in a queue.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('fsp.housing_referral'), hashint8(${person}::bigint))`);
  const open = await tx
    .select({ id: housingReferral.id })
    .from(housingReferral)
    .where(
      and(eq(housingReferral.aboutPerson, person), eq(housingReferral.addressee, desk), notInArray(housingReferral.status, [...OVER])),
    );
  if (open.length > 0) {
    rule('HOUSING_REFERRED', 'This person is referred to this council already.', 'council');
    return { userErrors: closed };
  }
  const { rows } = await tx.execute<{ id: string }>(sql`select fsp.open_involvement(${family}::bigint, ${person}::bigint,
    ${desk}::integer, 'housing-officer', null, null, false, ${!!input.consent}::boolean, ${now.toISOString()}::timestamptz, null) as id`);
  const between = { sender: client.organisation.id, addressee: desk };
  const [made] = await tx
    .insert(housingReferral)
    .values({
      ...between,
      worker: client.user,
      aboutFamily: family,
      aboutPerson: person,
      opinion: input.opinion,
      madeOn: day,
      consentedOn: input.consent?.on ?? null,
      consentedHow: input.consent?.how ?? null,
      gateway: input.withoutConsent?.gateway ?? CONSENT,
      involvement: Number(rows[0]?.id),
      status: 'SENT',
    })
    .returning({ id: housingReferral.id });
  const id = (made as { id: number }).id;
  if (input.contact) await tx.insert(housingReferralContact).values({ ...between, referral: id, contact: input.contact });
  if (input.withoutConsent)
    await tx.insert(housingReferralWhy).values({ referral: id, sender: client.organisation.id, whyWithout: input.withoutConsent.reason });
  return {
    change: {
      action: 'referForHousing',
      entity: 'HousingReferral',
      id,
      family,
      persons: [person],
      dataClasses: ['OFFER', 'WHEREABOUTS', 'INVOLVEMENT'],
    },
  };
};

/** One of the two says how a referral stands. */
const step =
  (action: 'answerHousingReferral' | 'withdrawHousingReferral', whose: 'sender' | 'addressee'): Command =>
  async (tx, raw, client, now) => {
    const input = raw as unknown as Given<AnswerHousingReferralInput | WithdrawHousingReferralInput>;
    const status = 'status' in input ? (input.status as ReferralStatus) : 'WITHDRAWN';
    const errors = await checkCodes(tx, today(now), [{ list: 'offer-reason', value: input.reason, path: ['reason'] }]);
    const key = keyOf('HousingReferral', input.referral);
    const referral = await visibleRow(tx, housingReferral, key, client);
    if (!referral || referral[whose] !== client.organisation.id)
      return { userErrors: [...errors, notFound(REFERRAL.name, ...REFERRAL.path)] };
    if (referral.version === input.expectedVersion) errors.push(...checkReferralStep(referral.status, status, input.reason));
    if (errors.length > 0) return { userErrors: errors };
    const set = { status, ...(input.reason ? { reason: input.reason } : {}) };
    const refused = await amend(tx, client, housingReferral, key, input.expectedVersion, set, REFERRAL);
    if (refused) return { userErrors: [refused] };
    return { change: { action, entity: 'HousingReferral', id: referral.id, family: null, persons: [], dataClasses: ['OFFER'] } };
  };

export const answerHousingReferral = step('answerHousingReferral', 'addressee');
export const withdrawHousingReferral = step('withdrawHousingReferral', 'sender');
