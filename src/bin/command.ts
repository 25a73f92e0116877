import { readFileSync } from 'node:fs';
import { AGENCIES, type Agency } from '../access/classes.ts';

/** What went wrong, in words: a connection that failed at every address of a name says so only in its parts. */
function wordsOf(error: unknown): string {
  return error instanceof AggregateError && error.message === '' ? wordsOf(error.errors[0]) : (error as Error).message;
}

/** What a command is for and what it may be told, as its file says in its first comment. */
function usageOf(file: string): string {
  const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, 'utf8')) ?? [];
  return comment.replaceAll(/^\s*\* ?/gm, '').trim();
}

/**
 * Runs a command line's work: a fault is one line of words on standard error, and exit code 1. `--help` says what the command is for.
 *
 * @param helps the command answers `--help` itself.
 */
export async function command(work: () => Promise<void>, { helps = false } = {}): Promise<void> {
  if (!helps && process.argv.slice(2).some((word) => word === '--help' || word === '-h'))
    return console.log(usageOf(process.argv[1] as string));
  try {
    await work();
  } catch (error) {
    console.error(wordsOf(error));
    process.exitCode = 1;
  }
}

/** The agency of that name, however it is written. @throws naming the agencies there are. */
export function agencyNamed(given: string): Agency {
  const agency = AGENCIES.find((known) => known === given.toUpperCase());
  if (!agency) throw new Error(`There is no agency ${given}; there are ${AGENCIES.join(', ')}.`);
  return agency;
}
