/** A database whose roles were made by somebody else than its owner: a dump's, or PostgreSQL 15's after an upgrade. */
import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { preparedDatabase } from '../support/server.ts';

it('is migrated when its owner may change them, and until then says what is missing', async () => {
  const creator = new pg.Client({ connectionString: inject('creatorUrl') });
  await creator.connect();
  try {
    const { rows } = await creator.query<{ version: number }>("select current_setting('server_version_num')::int as version");
    const version = rows[0]?.version as number;
    await creator.query('drop database if exists fsp_moved with (force)');
    await creator.query('drop role if exists fsp_moved_gate');
    await creator.query('create role fsp_moved_gate');
    if (version >= 160_000) {
      await expect(preparedDatabase('fsp_moved', false)).rejects.toThrow(
        /^1 of the PostgreSQL roles \(fsp_moved_gate is the first\) .* docs\/operators\.md says under "Moving it"\.$/,
      );
      await creator.query('grant fsp_moved_gate to fsp_moved_owner with admin true, inherit false, set false');
    }
    // To PostgreSQL 15 CREATEROLE is enough.
    await migrateDatabase(await preparedDatabase('fsp_moved', false));
  } finally {
    await creator.end();
  }
});
