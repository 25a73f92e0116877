/**
 * `npm run disclosure:verify` proves the disclosure record: every batch's hash, every chain without a gap.
 * `--write-heads <file>` keeps the chains' heads elsewhere; `--heads <file>` compares with heads kept before, which also
 * finds a chain that lost its end. `--archive <file>`, as often as there are some, reads months that were archived.
 * The signed heads in `HEADS_DIR` (or `--heads-dir <folder>`) are compared too; `--public-key <file>` says whose they have to be.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { HeadLine } from '../disclosure/batches.ts';
import { keptFolder, readHeads } from '../disclosure/heads.ts';
import { faultWords, verifyDisclosures } from '../disclosure/verify.ts';
import { command } from './command.ts';
import { commandAsOwner } from './owner.ts';

const Heads = z.array(HeadLine);

function readHeadsFile(file: string): z.infer<typeof Heads> {
  try {
    return Heads.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const unreadable = (error as NodeJS.ErrnoException).code !== undefined;
    throw new Error(unreadable ? `The file ${file} cannot be read.` : `The file ${file} does not hold heads that --write-heads wrote.`);
  }
}

await command(async () => {
  const { values } = parseArgs({
    options: {
      heads: { type: 'string' },
      'write-heads': { type: 'string' },
      archive: { type: 'string', multiple: true },
      'heads-dir': { type: 'string' },
      'public-key': { type: 'string', multiple: true },
    },
  });
  const heads = values.heads === undefined ? [] : readHeadsFile(values.heads);
  await commandAsOwner(process.env, async (client, { config, database }) => {
    const given = values['heads-dir'] ?? config.headsDir;
    const folder = given ?? keptFolder(database.dataDir, database.server.database);
    const keys = (values['public-key'] ?? []).map((file) => readFileSync(file, 'utf8'));
    const signed = given || existsSync(folder) ? readHeads(folder, keys) : null;
    const { fault, ...found } = await verifyDisclosures(client, { heads, archives: values.archive ?? [], signed });
    if (fault) throw new Error(faultWords(fault));
    if (found.forged.length > 0) throw new Error(`A head is not signed by a key that is trusted: ${found.forged[0]}.`);
    console.log(`The record is whole: ${found.records} records in ${found.batches} batches of ${found.chains} chains.`);
    if (found.unread > 0) console.log(`${found.unread} chains are in archives that were not given.`);
    if (signed) console.log(`It reaches as far as ${signed.heads.length} signed heads in ${folder}.`);
    if (values['write-heads'] !== undefined) writeFileSync(values['write-heads'], `${JSON.stringify(found.heads, null, 2)}\n`);
  });
});
