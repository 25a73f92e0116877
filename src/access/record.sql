-- The disclosure record is added to and never changed. A guard that the owner can drop: what is changed then is found by
-- `npm run disclosure:verify`.
create or replace function fsp.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$ begin raise insufficient_privilege using message = 'The disclosure record is added to, and never changed.'; end $$;
revoke all on function fsp.refuse_change() from public;

drop trigger if exists guard on fsp.disclosure;
create trigger guard before update or delete or truncate on fsp.disclosure for each statement execute function fsp.refuse_change();

-- Makes a month's partition, if it is not there. Attached rather than made in place, so that nobody who writes has to wait.
-- Nobody has a right to it: it is written and read through the whole table.
create or replace function fsp.make_disclosure_month(first date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  name constant text := to_char(first, '"disclosure_"YYYY_MM');
begin
  if to_regclass(format('fsp.%I', name)) is not null then return; end if;
  perform pg_advisory_xact_lock(7246337002);
  if to_regclass(format('fsp.%I', name)) is not null then return; end if;
  execute format('create table fsp.%I (like fsp.disclosure including defaults)', name);
  execute format('create trigger guard before update or delete or truncate on fsp.%I for each statement execute function fsp.refuse_change()', name);
  execute format('alter table fsp.%I enable row level security, force row level security', name);
  execute format('alter table fsp.disclosure attach partition fsp.%I for values from (%L) to (%L)', name, first, (first + interval '1 month')::date);
end
$$;
revoke all on function fsp.make_disclosure_month(date) from public;

-- A chain begins, and belongs to the month that the database says it is. The next month's partition is made with this one's:
-- at midnight nobody waits for it. Asked twice, it is the same chain.
create or replace function fsp.begin_chain(asked uuid) returns date
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  first constant date := date_trunc('month', now() at time zone 'UTC');
begin
  perform fsp.make_disclosure_month(first);
  perform fsp.make_disclosure_month((first + interval '1 month')::date);
  insert into fsp.disclosure_chain (chain, month) values (asked, first) on conflict do nothing;
  return (select c.month from fsp.disclosure_chain c where c.chain = asked);
end
$$;
revoke all on function fsp.begin_chain(uuid) from public;
grant execute on function fsp.begin_chain(uuid) to "{{db}}_recorder";

-- Partitions that somebody took the guard off have it again.
do $$
declare
  partition regclass;
begin
  for partition in select i.inhrelid::regclass from pg_inherits i where i.inhparent = 'fsp.disclosure'::regclass loop
    execute format('create or replace trigger guard before update or delete or truncate on %s for each statement execute function fsp.refuse_change()', partition);
    execute format('alter table %s enable trigger guard, enable row level security, force row level security', partition);
  end loop;
end
$$;
