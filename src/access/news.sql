-- Subscriptions: what of the feed's changes those who are connected follow, and who is told that something came between organisations.
-- Asked by the gate's login; it answers with types and keys alone, as the feed does.

-- A row between organisations was written: each login of those it is for is told, whoever of them wrote it. The feed tells nothing of it.
create or replace function fsp.note_inbox() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  told constant jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
  if current_setting('fsp.defer_grants', true) = 'on' and session_user = current_user then return null; end if;
  insert into fsp.feed_change (login, type, key)
    select l.id, tg_argv[0], (told ->> tg_argv[1])::bigint from fsp.login l
    where l.organisation in (
      select (told ->> c)::integer from unnest(tg_argv[2:]) c
      union all
      select k.provider from fsp.service_offer_link k where tg_table_name = 'service_offer' and k.offer = (told ->> 'id')::bigint)
    on conflict do nothing;
  return null;
end
$$;
revoke all on function fsp.note_inbox() from public;

-- Those who listen look when they hear of it: nothing is said of what changed, and of one transaction it is heard once.
create or replace function fsp.tell_news() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('fsp_feed', '');
  return null;
end
$$;
revoke all on function fsp.tell_news() from public;

do $$
declare
  inbox record;
begin
  for inbox in select * from (values
      {{inboxes}}) as i (name, type, key, organisations) loop
    execute format('drop trigger if exists inbox on fsp.%1$I', inbox.name);
    execute format('create trigger inbox after insert or update or delete on fsp.%1$I for each row execute function fsp.note_inbox(%2$L, %3$L, %4$s)',
      inbox.name, inbox.type, inbox.key, (select string_agg(quote_literal(o), ', ') from unnest(string_to_array(inbox.organisations, ' ')) o));
  end loop;
  drop trigger if exists tell on fsp.feed_change;
  create trigger tell after insert on fsp.feed_change for each statement execute function fsp.tell_news();
end
$$;

-- Where following begins: nothing from here on is passed over. And up to where changes are no longer kept.
create or replace function fsp.feed_now() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('horizon', pg_snapshot_xmin(pg_current_snapshot())::text, 'next', pg_snapshot_xmax(pg_current_snapshot())::text,
    'swept', coalesce((select s.swept::text from fsp.feed_state s where s.id = 1), '0'))
$$;
revoke all on function fsp.feed_now() from public;

-- The changes after a place that concern these families, or came between organisations for these logins, in the feed's order and, as
-- there, as far as no transaction is still under way. `a`: the row was written by the transaction that is told. `held`: there is more,
-- for which one still under way has to end.
create or replace function fsp.feed_news(after_xid xid8, after_id bigint, logins bigint[], families bigint[], inbox boolean, most integer)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- Asked for before the changes are: what is older than this has ended by now, and is there.
  horizon constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
  found jsonb;
begin
  with scanned as materialized (
    select c.xid, c.id, c.at, c.login, c.type, c.key, c.family from fsp.feed_change c
    where (c.xid, c.id) > (after_xid, after_id) and c.xid < horizon order by c.xid, c.id limit most
  ),
  last as (
    select s.xid, s.id from scanned s order by s.xid desc, s.id desc limit 1
  ),
  told as (
    select s.*, case
        when s.type in ('Family', 'Users') then array[s.key]
        when s.type = 'Person' then array(
          select m.family from fsp.membership m where m.person = s.key union select u.family from fsp.unborn_membership u where u.person = s.key)
        else array_remove(array[s.family], null) end as about
    from scanned s where s.login = 0 or s.login = any (logins)
  )
  select jsonb_build_object(
    'rows', coalesce((
      select jsonb_agg(jsonb_build_object('x', t.xid::text, 'e', t.id, 'l', t.login, 't', t.type, 'k', t.key::text,
          'f', (select coalesce(jsonb_agg(o::text), '[]') from unnest(t.about) o),
          'a', t.type = 'WorkbookEntry' and coalesce((select w.created_at = t.at from fsp.workbook_entry w where w.id = t.key), false))
        order by t.xid, t.id)
      from told t where t.about && families or (inbox and t.login <> 0 and t.type in ({{inbox_types}}))), '[]'),
    'more', (select count(*) from scanned) = most,
    'x', case when (select count(*) from scanned) = most then (select l.xid from last l) else greatest(horizon, after_xid) end::text,
    'e', case when (select count(*) from scanned) = most then (select l.id from last l) when horizon > after_xid then 0 else after_id end,
    'held', exists (select from fsp.feed_change c where c.xid >= horizon)) into found;
  return found;
end
$$;
revoke all on function fsp.feed_news(xid8, bigint, bigint[], bigint[], boolean, integer) from public;

grant execute on function fsp.feed_now(), fsp.feed_news(xid8, bigint, bigint[], bigint[], boolean, integer) to "{{db}}_gate";
