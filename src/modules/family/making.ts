/** Families and members that are put on record: by hand, or as another system tells of them. */
import { sql } from 'drizzle-orm';
import type { DataClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { ownFamiliesOnly } from '../../access/decide.ts';
import { checkCodes } from '../../change/codes.ts';
import type { UserError } from '../../change/command.ts';
import type { Transaction } from '../../db/transactions.ts';
import { plainNhsNumber } from '../person/identifiers.ts';
import { takenNumbers } from '../person/numbers.ts';
import { NOT_OBTAINED, personEquality, personIdentity, personNhsNumber, personUpn } from '../person/tables.ts';
import type { MemberSaid } from './rules.ts';
import { familyName, familyStage } from './tables.ts';

/** Codes of a new member, and numbers that somebody whom the caller sees has. */
export async function memberFaults(
  tx: Transaction,
  member: MemberSaid,
  client: Client,
  day: string,
  ...path: (string | number)[]
): Promise<UserError[]> {
  const at = (field: string) => [...path, field].map(String);
  return [
    ...(await checkCodes(tx, day, [
      { list: 'sex', value: member.sex, path: at('sex') },
      { list: 'family-role', value: member.role, path: at('role') },
      { list: 'ethnicity', value: member.ethnicity, path: at('ethnicity') },
      { list: 'religion', value: member.religion, path: at('religion') },
    ])),
    ...(await takenNumbers(tx, member, null, client, ...path)),
  ];
}

/** Writes somebody new into a family. @returns the person's key. */
export async function writeMember(tx: Transaction, family: number, member: MemberSaid, since: string, client: Client): Promise<number> {
  const made = await tx.execute<{ person: string }>(
    sql`select fsp.new_member(${family}::bigint, ${member.role}::text, ${since}::date, false) as person`,
  );
  const owned = { person: Number(made.rows[0]?.person), controller: client.organisation.id };
  await tx.insert(personIdentity).values({
    ...owned,
    givenName: member.givenName ?? null,
    familyName: member.familyName ?? null,
    dateOfBirth: member.dateOfBirth,
    sex: member.sex,
    interpreter: member.interpreter ?? null,
    accessNeeds: member.accessNeeds ?? null,
  });
  if (member.nhsNumber) await tx.insert(personNhsNumber).values({ ...owned, nhsNumber: plainNhsNumber(member.nhsNumber) });
  if (member.upn) await tx.insert(personUpn).values({ ...owned, upn: member.upn });
  if (member.ethnicity || member.religion)
    await tx.insert(personEquality).values({ ...owned, ethnicity: member.ethnicity ?? NOT_OBTAINED, religion: member.religion ?? null });
  return owned.person;
}

/** Classes of what is written about new members. */
export function classesOf(members: readonly MemberSaid[]): DataClass[] {
  return [
    'FAMILY',
    'IDENTITY',
    ...(members.some(({ nhsNumber }) => nhsNumber) ? (['NHS_NUMBER'] as const) : []),
    ...(members.some(({ upn }) => upn) ? (['UPN'] as const) : []),
    ...(members.some(({ ethnicity, religion }) => ethnicity || religion) ? (['EQUALITY'] as const) : []),
  ];
}

/** Makes a family that has nobody in it yet. @returns its key. */
export async function makeFamily(
  tx: Transaction,
  client: Client,
  { name, reference }: { name: string; reference?: string | null },
  now: Date,
): Promise<number> {
  const made = await tx.execute<{ family: string }>(sql`select fsp.new_family() as family`);
  const family = Number(made.rows[0]?.family);
  const owned = { family, controller: client.organisation.id };
  await tx.insert(familyName).values({ ...owned, reference: reference ?? `FSP-${String(family).padStart(7, '0')}`, name });
  // Where nothing is open yet, early help is what a family is on record for.
  await tx.insert(familyStage).values({ ...owned, stage: 'EARLY_HELP', since: now });
  // Whose sight ends at their own families leads this one: else they would never see again what they have just written.
  if (ownFamiliesOnly(client))
    await tx.execute(
      sql`select fsp.open_involvement(${family}::bigint, null, ${client.organisation.id}, 'lead-practitioner', ${client.userName}::text,
        ${client.user}::text, true, false, now(), null)`,
    );
  return family;
}
