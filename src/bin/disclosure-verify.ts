/**
 * `npm run disclosure:verify` proves the disclosure record: every batch's hash, every chain without a gap.
 * `--write-heads <file>` keeps the chains' heads elsewhere; `--heads <file>` compares with heads kept before, which also
 * finds a chain that lost its end.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { verifyDisclosures } from '../disclosure/verify.ts';
import { command } from './command.ts';
import { commandAsOwner } from './owner.ts';

const Heads = z.array(z.object({ chain: z.uuid(), sequence: z.number().int().min(0), hash: z.string().regex(/^[0-9a-f]{64}$/) }));

function readHeads(file: string): z.infer<typeof Heads> {
  try {
    return Heads.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const unreadable = (error as NodeJS.ErrnoException).code !== undefined;
    throw new Error(unreadable ? `The file ${file} cannot be read.` : `The file ${file} does not hold heads that --write-heads wrote.`);
  }
}

await command(async () => {
  const { values } = parseArgs({ options: { heads: { type: 'string' }, 'write-heads': { type: 'string' } } });
  const heads = values.heads === undefined ? [] : readHeads(values.heads);
  await commandAsOwner(process.env, async (client) => {
    const found = await verifyDisclosures(client, heads);
    if (found.fault) throw new Error(`Chain ${found.fault.chain}: batch ${found.fault.sequence} ${found.fault.what}.`);
    console.log(`The record is whole: ${found.records} records in ${found.batches} batches of ${found.chains} chains.`);
    if (values['write-heads'] !== undefined) writeFileSync(values['write-heads'], `${JSON.stringify(found.heads, null, 2)}\n`);
  });
});
