/**
 * `npm run organisation -- <verb> …`: organisations, their clients and users, and revoked tokens. `--help` names the verbs.
 * Works as the database's owner, beside running servers, which hear of every change.
 */
import { command } from './command.ts';
import { organisation } from './organisation-verbs.ts';

const work = async () => {
  const { usage, text } = await organisation(process.argv.slice(2), process.env);
  if (!usage) return console.log(text);
  console.error(text);
  process.exitCode = 2;
};
await command(work, { helps: true });
