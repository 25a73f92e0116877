/** Rows of reference data, written as often as they are loaded. */
import type pg from 'pg';

export const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Inserts or updates rows (keys in camel case, columns in snake case) as one statement. */
export async function upsert(client: pg.Client, table: string, keys: string[], rows: Record<string, unknown>[]): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(rows[0] as object).map(snake);
  const columns = names.map((name) => `"${name}"`).join(', ');
  const updates = names.filter((name) => !keys.includes(name)).map((name) => `"${name}" = excluded."${name}"`);
  const values = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [snake(name), value])));
  await client.query(
    `insert into fsp.${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::fsp.${table}, $1::jsonb)
     on conflict (${keys.join(', ')}) do ${updates.length > 0 ? `update set ${updates.join(', ')}` : 'nothing'}`,
    [JSON.stringify(values)],
  );
}
