import { AGENCIES, type Agency } from '../access/classes.ts';

/** What went wrong, in words: a connection that failed at every address of a name says so only in its parts. */
function wordsOf(error: unknown): string {
  return error instanceof AggregateError && error.message === '' ? wordsOf(error.errors[0]) : (error as Error).message;
}

/** Runs a command line's work: a fault is one line of words on standard error, and exit code 1. */
export async function command(work: () => Promise<void>): Promise<void> {
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
