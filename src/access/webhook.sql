-- Webhooks. No login writes their tables: an organisation registers, changes and replays its own by these functions, and the gate's
-- login, which delivers, knows types and keys alone.

-- The organisation that asks; the owner's job names it.
create or replace function fsp.webhook_organisation(named integer) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select case when session_user = '{{owner}}' then named else (select l.organisation from fsp.login l where l.name = session_user) end
$$;
revoke all on function fsp.webhook_organisation(integer) from public;

-- Registers a webhook for a client of the asking organisation. Null: it has no such client for this purpose, or webhooks enough.
create or replace function fsp.create_webhook(of_organisation integer, of_client text, of_purpose text, at_url text, of_types text[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.webhook_organisation(of_organisation);
  made bigint;
begin
  perform from fsp.client c where c.id = of_client and c.organisation = org and of_purpose = any (c.purposes) for update;
  if not found or (select count(*) from fsp.webhook w where w.organisation = org) >= {{webhooks}} then return null; end if;
  insert into fsp.webhook (organisation, client, purpose, url, types) values (org, of_client, of_purpose, at_url, of_types) returning id into made;
  return made;
end $$;
revoke all on function fsp.create_webhook(integer, text, text, text, text[]) from public;

-- Changes a webhook of the asking organisation; null leaves as it is, no types at all: every type.
create or replace function fsp.change_webhook(asked bigint, at_url text, of_types text[], is_enabled boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update fsp.webhook w set url = coalesce(at_url, w.url), types = case when of_types is null then w.types else nullif(of_types, '{}') end,
      enabled = coalesce(is_enabled, w.enabled), fault = null, failures = 0, paused_until = null
    where w.id = asked and w.organisation = fsp.webhook_organisation(w.organisation);
  return found;
end $$;
revoke all on function fsp.change_webhook(bigint, text, text[], boolean) from public;

-- A new secret; the one before signs as well for so many hours.
create or replace function fsp.rotate_webhook(asked bigint, hours integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update fsp.webhook w set generation = w.generation + 1, previous_until = now() + make_interval(hours => hours)
    where w.id = asked and w.organisation = fsp.webhook_organisation(w.organisation);
  return found;
end $$;
revoke all on function fsp.rotate_webhook(bigint, integer) from public;

create or replace function fsp.delete_webhook(asked bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  delete from fsp.webhook w where w.id = asked and w.organisation = fsp.webhook_organisation(w.organisation);
  return found;
end $$;
revoke all on function fsp.delete_webhook(bigint) from public;

-- Dead letters are sent again, behind what waits: all of a webhook, or those named. Null: it is none of the asking organisation's.
create or replace function fsp.replay_dead_letters(asked bigint, letters bigint[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  replayed integer;
begin
  perform from fsp.webhook w where w.id = asked and w.organisation = fsp.webhook_organisation(w.organisation) for update;
  if not found then return null; end if;
  with dead as (
    delete from fsp.webhook_event e where e.webhook = asked and e.dead_at is not null and (letters is null or e.id = any (letters))
    returning e.*
  ),
  again as (
    insert into fsp.webhook_event as e (organisation, webhook, message, type, key, lane, gone, at)
      select distinct on (d.type, d.key) d.organisation, d.webhook, d.message, d.type, d.key, d.lane, bool_or(d.gone) over (partition by d.type, d.key), d.at
      from dead d order by d.type, d.key, d.id
      on conflict (webhook, type, key) where dead_at is null and attempts = 0 do update set gone = e.gone or excluded.gone
    returning e.id
  )
  select count(*) into replayed from dead;
  -- The receiver is there again, or nobody would ask.
  update fsp.webhook w set failures = 0, paused_until = null where w.id = asked;
  return replayed;
end $$;
revoke all on function fsp.replay_dead_letters(bigint, bigint[]) from public;

grant execute on function fsp.create_webhook(integer, text, text, text, text[]), fsp.change_webhook(bigint, text, text[], boolean),
  fsp.rotate_webhook(bigint, integer), fsp.delete_webhook(bigint), fsp.replay_dead_letters(bigint, bigint[]) to {{members}};

-- Webhooks to which something may be sent now.
create or replace function fsp.webhooks_due() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'organisation', w.organisation, 'client', w.client, 'purpose', w.purpose, 'url', w.url,
      'types', w.types, 'salt', w.salt, 'generation', w.generation, 'previous', coalesce(w.previous_until > now(), false) and w.generation > 1,
      'begun', w.begun::text, 'cursor', w.cursor, 'failures', w.failures,
      'waiting', (select count(*) from fsp.webhook_event e where e.webhook = w.id and e.dead_at is null)) order by w.id), '[]')
  from fsp.webhook w where w.enabled and coalesce(w.paused_until <= now(), true)
$$;
revoke all on function fsp.webhooks_due() from public;

-- What the feed gave after a place, and the place behind it: both or neither. False: somebody else has gone on from there.
create or replace function fsp.webhook_queue(asked bigint, was text, becomes text, events jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update fsp.webhook w set cursor = becomes where w.id = asked and w.cursor is not distinct from was;
  if not found then return false; end if;
  insert into fsp.webhook_event as e (organisation, webhook, type, key, lane, gone, at)
    select w.organisation, w.id, r.t, r.k,
      coalesce(r.f, (select min(m.family) from fsp.feed_families_of(r.k) m (family) where r.t = 'Person'), -r.k), r.g, coalesce(r.at, now())
    from fsp.webhook w
    cross join lateral (
      select q.t, q.k, (array_agg(q.f order by q.n) filter (where q.f is not null))[1] as f, bool_or(q.g) as g, min(q.at) as at, min(q.n) as n
      from jsonb_to_recordset(events) as q (n integer, t text, k bigint, f bigint, g boolean, at timestamptz) group by q.t, q.k
    ) r
    where w.id = asked
    order by r.n
    on conflict (webhook, type, key) where dead_at is null and attempts = 0 do update set gone = e.gone or excluded.gone;
  delete from fsp.webhook_event e where e.webhook = asked and e.dead_at < now() - interval '90 days';
  return true;
end $$;
revoke all on function fsp.webhook_queue(bigint, text, text, jsonb) from public;

-- The families of a person, as the feed tells of them.
create or replace function fsp.feed_families_of(asked bigint) returns table (family bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select m.family from fsp.membership m where m.person = asked union select u.family from fsp.unborn_membership u where u.person = asked
$$;
revoke all on function fsp.feed_families_of(bigint) from public;

-- The next events of a webhook: the first of each lane, where its time has come.
create or replace function fsp.webhook_next(asked bigint, most integer) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', h.id, 'message', h.message, 'type', h.type, 'key', h.key, 'family', case when h.type <> 'Person' and h.lane > 0 then h.lane end,
      'gone', h.gone, 'at', to_char(h.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'attempts', h.attempts) order by h.id), '[]')
  from (
    select * from (
      select distinct on (e.lane) e.* from fsp.webhook_event e where e.webhook = asked and e.dead_at is null order by e.lane, e.id
    ) first where first.next_at <= now() order by first.next_at, first.id limit most
  ) h
$$;
revoke all on function fsp.webhook_next(bigint, integer) from public;

-- What became of events: `done` are sent, or are not told any more; the others failed, and wait (`wait` seconds) or are dead (null).
-- `pause`: seconds until anything is sent again; `why`: the webhook is disabled.
create or replace function fsp.webhook_sent(asked bigint, results jsonb, pause double precision, why text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  sent constant bigint := (select count(*) from jsonb_to_recordset(results) as r (sent boolean) where r.sent);
begin
  delete from fsp.webhook_event e using jsonb_to_recordset(results) as r (e bigint, done boolean)
    where e.id = r.e and e.webhook = asked and r.done;
  update fsp.webhook_event e set attempts = e.attempts + 1, tried_at = now(), status = r.status, fault = r.fault,
      next_at = now() + make_interval(secs => coalesce(r.wait, 0)), dead_at = case when r.wait is null then now() end
    from jsonb_to_recordset(results) as r (e bigint, done boolean, status integer, fault text, wait double precision)
    where e.id = r.e and e.webhook = asked and not r.done;
  update fsp.webhook w set delivered = w.delivered + sent, delivered_at = case when sent > 0 then now() else w.delivered_at end,
      failures = case when pause is not null then w.failures + 1 when sent > 0 then 0 else w.failures end,
      paused_until = now() + make_interval(secs => pause),
      enabled = w.enabled and why is null,
      fault = case when why is not null then why when sent > 0 and pause is null then null
        else coalesce((select r.fault from jsonb_to_recordset(results) as r (done boolean, fault text) where not r.done limit 1), w.fault) end
    where w.id = asked;
end $$;
revoke all on function fsp.webhook_sent(bigint, jsonb, double precision, text) from public;

grant execute on function fsp.webhooks_due(), fsp.webhook_queue(bigint, text, text, jsonb), fsp.webhook_next(bigint, integer),
  fsp.webhook_sent(bigint, jsonb, double precision, text) to "{{db}}_gate";
