/** Saying what a family was told about its data. */
import { eq } from 'drizzle-orm';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { bornKeptFrom, together } from '../../change/kept-from.ts';
import { each, keysOf, membersNamed } from '../../change/members.ts';
import { familyVisible, keyOf, notFound } from '../../change/visible.ts';
import type { RecordToldFamilyInput } from '../../graphql/generated.ts';
import { membership } from '../family/tables.ts';
import { checkTold } from './rules.ts';
import { toldFamily, toldFamilyPerson } from './tables.ts';

export const recordToldFamily: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordToldFamilyInput, 'idempotencyKey'>;
  const errors = checkTold(input, now);
  errors.push(
    ...(await checkCodes(tx, input.on, [
      { list: 'privacy-notice', value: input.notice, path: ['notice'] },
      { list: 'told-how', value: input.how, path: ['how'] },
    ])),
  );
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const members = await membersNamed(tx, family, [...each('persons', input.persons), ...each('keptFrom', input.keptFrom)], errors);
  if (errors.length > 0) return { userErrors: errors };
  // Why it was not safe to tell somebody tells of the danger: kept from whoever is recorded as harming any of the family.
  const inDanger = input.whyNot
    ? (await tx.select({ person: membership.person }).from(membership).where(eq(membership.family, family))).map(({ person }) => person)
    : [];
  const keptFrom = together(keysOf(members, input.keptFrom), await bornKeptFrom(tx, family, inDanger));
  const own = { family, controller: client.organisation.id, worker: client.user, keptFrom };
  const [told] = await tx
    .insert(toldFamily)
    .values({
      ...own,
      notice: input.notice,
      toldOn: input.on,
      toldBy: input.by ?? client.userName ?? client.id,
      how: input.how ?? null,
      whyNot: input.whyNot ?? null,
    })
    .returning({ id: toldFamily.id });
  const { id } = told as { id: number };
  const persons = keysOf(members, input.persons);
  await tx.insert(toldFamilyPerson).values(persons.map((person) => ({ ...own, told: id, person })));
  return { change: { action: 'recordToldFamily', entity: 'ToldFamily', id, family, persons, dataClasses: ['SHARING'] } };
};
