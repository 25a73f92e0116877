/** `npm run governance:templates` writes `docs/governance/*.md` from the agreement. `--check` writes nothing and fails if they are not what would be written. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { governanceTemplates } from '../access/governance.ts';
import { command } from './command.ts';

const folder = new URL('../../docs/governance/', import.meta.url);

await command(async () => {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  const stale = Object.entries(governanceTemplates()).filter(([name, text]) => {
    const file = new URL(name, folder);
    return !existsSync(file) || readFileSync(file, 'utf8') !== text;
  });
  const written = stale.map(([name]) => `docs/governance/${name}`).join(', ');
  if (stale.length > 0 && values.check) throw new Error(`${written}: not what the agreement says: run "npm run governance:templates".`);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of stale) writeFileSync(new URL(name, folder), text);
  console.log(stale.length > 0 ? `Written: ${written}.` : 'docs/governance is what the agreement says.');
});
