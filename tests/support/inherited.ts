/** What a process that a test starts has of the run's own environment: where programs are, and what Node has compiled of them. */
export const inherited = (): { PATH: string; NODE_COMPILE_CACHE: string } => ({
  PATH: process.env.PATH ?? '',
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
});
