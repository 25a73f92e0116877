/**
 * `npm run retention -- propose | erase | sweep`, as the database's owner: `propose` lists whose record is due, `erase` erases what
 * a person has approved, `sweep` takes away spent idempotency keys and expired tokens.
 */
import { today } from '../modules/clock/calendar.ts';
import { eraseApproved, proposeErasures, sweep } from '../modules/rights/retention-job.ts';
import { command } from './command.ts';
import { commandAsOwner } from './owner.ts';

const VERBS = ['propose', 'erase', 'sweep'];

await command(async () => {
  const [verb, ...rest] = process.argv.slice(2);
  if (!verb || !VERBS.includes(verb) || rest.length > 0) throw new Error(`npm run retention -- ${VERBS.join(' | ')}`);
  await commandAsOwner(process.env, async (client) => {
    if (verb === 'propose') console.log(`Proposed: ${await proposeErasures(client, today(new Date()))} records.`);
    if (verb === 'erase') {
      const { erased, held } = await eraseApproved(client);
      console.log(`Erased: ${erased} records. Held: ${held}.`);
    }
    if (verb === 'sweep') {
      const { keys, tokens } = await sweep(client);
      console.log(`Swept: ${keys} keys, ${tokens} tokens.`);
    }
  });
});
