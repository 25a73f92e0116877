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

-- A batch's records, as far as they can be read; of one that is no list of records, none. A null character is JSON's and not
-- PostgreSQL's.
create or replace function fsp.records_of(batch text) returns table ("position" integer, record jsonb, digest bytea, organisation text, client text,
  subject text, purpose text, category text, operation text, document text, classes text[], fields text[], refused jsonb, families bigint[],
  persons bigint[], emergency text, failed text, alert text, reason text, count integer, agreement text, request text, correlation text)
language plpgsql stable rows 100 set search_path = pg_catalog, pg_temp
as $$
declare
  list jsonb;
begin
  list := replace(batch, '\u0000', '\ufffd')::jsonb;
  return query select r.n::integer, r.whole, sha256(convert_to(r.whole::text, 'UTF8')), r.organisation, r.client, r."user", r.purpose, r.category,
      r.operation, r.document, coalesce(r.classes, '{}'), coalesce(r.fields, '{}'), r.refused, coalesce(r.families, '{}'), coalesce(r.persons, '{}'),
      r.emergency, r.failed, r.alert, r.reason, coalesce(r.count, 1), r.agreement, r.request, r.correlation
    from rows from (
      jsonb_to_recordset(list) as (organisation text, client text, "user" text, purpose text, category text, operation text, document text,
        classes text[], fields text[], refused jsonb, families bigint[], persons bigint[], emergency text, failed text, alert text, reason text,
        count integer, agreement text, request text, correlation text),
      jsonb_array_elements(list)) with ordinality as r (organisation, client, "user", purpose, category, operation, document, classes, fields,
        refused, families, persons, emergency, failed, alert, reason, count, agreement, request, correlation, whole, n);
exception when others then
  return;
end
$$;
revoke all on function fsp.records_of(text) from public;

-- Whether somebody may be told that others look at a family: nobody from whom it is hidden by a conflict of interest.
create or replace function fsp.may_be_notified(of_family bigint, of_organisation integer, of_subject text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select not exists (select from fsp.user_rule r join fsp.login l on l.id = r.login
    where l.organisation = of_organisation and r.kind = 'barred' and r.family = of_family and r.person is null
      and of_subject = any (r.subjects) and r.starts <= now() and r.ends > now())
$$;
revoke all on function fsp.may_be_notified(bigint, integer, text) from public;

-- Who hears of looks at a family: its lead workers; of a restricted one the county's named users.
create or replace function fsp.notice_recipients(of_family bigint) returns table (organisation integer, subject text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select r.organisation, r.subject from (
    select i.organisation, i.worker as subject from fsp.family f
      join fsp.involvement i on i.family = f.id and i.lead and i.worker is not null and i."from" <= now() and coalesce(i.until, 'infinity') > now()
      join fsp.organisation o on o.id = i.organisation and o.agency in ('LA', 'TEAM')
      where f.id = of_family and not f.restricted
    union
    select s.organisation, s.subject from fsp.family f join fsp.sealed_user s on s.organisation = f.controller
      where f.id = of_family and f.restricted) r
  where fsp.may_be_notified(of_family, r.organisation, r.subject)
$$;
revoke all on function fsp.notice_recipients(bigint) from public;

-- Tells who is to hear of looks whose time has come, unless the police have asked for a delay of theirs.
create or replace function fsp.tell_looks() returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  with due as (
    delete from fsp.access_look l where l.due <= now()
      and not exists (select from fsp.notice_delay d where d.family = l.family and d.organisation = l.organisation and d.until > now())
    returning l.*
  )
  insert into fsp.access_notice as n
    (family, controller, row_mask, addressee, worker, organisation, kind, day, count, first_at, last_at, purposes, emergency)
  select d.family, f.controller,
    -- That a service works with the family may tell of health or abuse: the notice needs the class that the involvement does.
    coalesce((select bit_and(i.row_mask) from fsp.involvement i where i.family = d.family and i.organisation = d.organisation), 0),
    d.addressee, d.worker, d.organisation, d.kind, d.day, d.count, d.first_at, d.last_at, d.purposes, d.emergency
  from due d join fsp.family f on f.id = d.family
  on conflict (family, addressee, worker, organisation, kind, day) do update
    set count = n.count + excluded.count, first_at = least(n.first_at, excluded.first_at), last_at = greatest(n.last_at, excluded.last_at),
      purposes = array(select distinct unnest(n.purposes || excluded.purposes) order by 1), emergency = coalesce(excluded.emergency, n.emergency),
      acknowledged_at = null, version = n.version + 1, updated_at = now()
$$;
revoke all on function fsp.tell_looks() from public;

-- Makes readable what has been put on record since the last time, of each chain some batches at most; answers whether there
-- are more. One at a time: who waits here begins where the other ended. A chain's batch is written when the one before it is
-- committed, so that what is there of it has no gaps, and nothing is passed over that commits late.
create or replace function fsp.index_disclosures() returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
  most constant integer := 20;
  more boolean;
begin
  perform pg_advisory_xact_lock(7246337003);
  with due as materialized (
    select b.* from fsp.disclosure_chain c
    cross join lateral (
      select d.chain, d.sequence, d.at, d.records from fsp.disclosure d
      where d.month = c.month and d.chain = c.chain and d.sequence > c.indexed order by d.sequence limit most
    ) b
    where not c.done
  ),
  record as materialized (
    select nextval('fsp.disclosure_entry_id_seq') as id, b.chain, b.sequence, b.at, o.id as by_whom, r.*,
      -- The emergency is the one that the user had open for a family that they were shown.
      coalesce(r.emergency, case when r.purpose = 'EMERGENCY' then (
        select 'EmergencyAccess-' || e.id from fsp.emergency_access e
        where e.controller = o.id and e.worker = r.subject and e.family = any (r.families)
          and e."from" <= b.at and e.until > b.at - interval '1 minute' order by e.id desc limit 1) end) as opened
    from due b cross join lateral fsp.records_of(b.records) r
    left join fsp.organisation o on o.code = r.organisation
  ),
  named_family as materialized (select r.id as entry, f.family from record r cross join lateral unnest(r.families) f (family)),
  -- Few records, large tables: each is looked up by key (`offset 0` keeps it so), and none is read through.
  stray as (
    -- A person shown without a family is looked at in each family that they belong to.
    select p.entry, p.person from (select r.id as entry, unnest(r.persons) as person from record r) p
    except
    select n.entry, m.person from named_family n cross join lateral (
      select b.person from fsp.membership b where b.family = n.family
      union all select u.person from fsp.unborn_membership u where u.family = n.family offset 0) m
  ),
  -- Few are restricted for one organisation alone.
  partly as materialized (
    select distinct r.family, r.organisation from fsp.family_restriction r
    where r.organisation is not null and r."from" <= now() and coalesce(r.until, 'infinity') > now()
  ),
  about as materialized (
    select a.entry, a.family, f.restricted or p.family is not null as restricted, f.controller
    from (select n.entry, n.family from named_family n union select s.entry, m.family from stray s cross join lateral (
      select b.family from fsp.membership b where b.person = s.person
      union all select u.family from fsp.unborn_membership u where u.person = s.person offset 0) m) a
    cross join lateral (select of.restricted, of.controller from fsp.family of where of.id = a.family offset 0) f
    join record r on r.id = a.entry
    left join partly p on p.family = a.family and p.organisation = r.by_whom
  ),
  entered as (
    insert into fsp.disclosure_entry (id, chain, sequence, position, at, organisation, client, subject, purpose, category, operation, document,
      classes, fields, refused, families, persons, emergency, failed, alert, reason, count, agreement, request, correlation, restricted, digest)
    overriding system value
    select r.id, r.chain, r.sequence, r.position, r.at, r.by_whom, r.client, r.subject, r.purpose, r.category, r.operation, r.document,
      r.classes, r.fields,
      case when r.refused = '[]' then '{}' else array(select concat_ws(': ', x ->> 'field', x ->> 'reason') from jsonb_path_query(r.refused, '$[*]') x) end,
      r.families, r.persons, r.opened, r.failed, r.alert, r.reason, r.count, r.agreement, r.request, r.correlation,
      coalesce(s.restricted, false), r.digest
    from record r left join (select a.entry, bool_and(a.restricted) as restricted from about a group by a.entry) s on s.entry = r.id
  ),
  named as (
    insert into fsp.disclosure_family (family, entry, organisation, restricted)
    select a.family, a.entry, r.by_whom, a.restricted from about a join record r on r.id = a.entry
  ),
  looked as (
    select a.family, r.by_whom as organisation, r.subject, r.purpose, r.opened as emergency, r.at, a.restricted
    from about a join record r on r.id = a.entry
    where r.by_whom is not null and r.failed is null
      and (r.opened is not null or r.by_whom <> a.controller and (
        select true from fsp.involvement i join fsp.organisation o on o.id = i.organisation and o.agency = 'TEAM'
        where i.family = a.family and i.organisation = r.by_whom and i."from" <= now() and coalesce(i.until, 'infinity') > now() limit 1) is null)
  ),
  whom as (
    select f.family, r.organisation, r.subject from (select distinct l.family from looked l) f cross join lateral fsp.notice_recipients(f.family) r
  ),
  noted as (
    insert into fsp.access_look as k (family, addressee, worker, organisation, kind, day, due, count, first_at, last_at, purposes, emergency)
    select l.family, to_whom.organisation, to_whom.subject, l.organisation, l.kind, l.day,
      case l.kind when 'IMMEDIATE' then min(l.at) else (l.day + 1)::timestamp at time zone 'Europe/London' end,
      count(*), min(l.at), max(l.at), array_agg(distinct l.purpose order by l.purpose), max(l.emergency)
    from (select *, case when emergency is not null or restricted then 'IMMEDIATE' else 'DAILY' end as kind,
        (at at time zone 'Europe/London')::date as day from looked) l
    join whom to_whom on to_whom.family = l.family
    where not (l.organisation = to_whom.organisation and l.subject is not distinct from to_whom.subject)
    group by l.family, to_whom.organisation, to_whom.subject, l.organisation, l.kind, l.day
    on conflict (family, addressee, worker, organisation, kind, day) do update
      set count = k.count + excluded.count, first_at = least(k.first_at, excluded.first_at), last_at = greatest(k.last_at, excluded.last_at),
        purposes = array(select distinct unnest(k.purposes || excluded.purposes) order by 1), emergency = coalesce(excluded.emergency, k.emergency)
  ),
  reached as (
    update fsp.disclosure_chain c set indexed = b.last
    from (select d.chain, max(d.sequence) as last from due d group by d.chain) b where c.chain = b.chain
  )
  select coalesce(max(b.n) = most, false) into more from (select count(*) as n from due group by chain) b;
  perform fsp.tell_looks();
  update fsp.disclosure_chain c set done = true
    where not c.done and c.month < date_trunc('month', (now() - interval '2 hours') at time zone 'UTC')
      and not exists (select from fsp.disclosure d where d.month = c.month and d.chain = c.chain and d.sequence > c.indexed);
  return more;
end
$$;
revoke all on function fsp.index_disclosures() from public;
grant execute on function fsp.index_disclosures() to "{{db}}_recorder";

-- A family that becomes restricted, everywhere or for one organisation, or is no longer: so are the looks at it.
create or replace function fsp.follow_restricted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  changed constant bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
begin
  update fsp.disclosure_family a set restricted = fsp.is_restricted(a.family, a.organisation)
    where a.family = changed and a.restricted <> fsp.is_restricted(a.family, a.organisation);
  update fsp.disclosure_entry e set restricted = not e.restricted
    where e.id in (select a.entry from fsp.disclosure_family a where a.family = changed)
      and e.restricted <> (select bool_and(o.restricted) from fsp.disclosure_family o where o.entry = e.id);
  return null;
end
$$;
revoke all on function fsp.follow_restricted() from public;
drop trigger if exists follow_restricted on fsp.family;
create trigger follow_restricted after update of restricted on fsp.family for each row
  when (old.restricted is distinct from new.restricted) execute function fsp.follow_restricted('id');
drop trigger if exists follow_restricted on fsp.family_restriction;
create trigger follow_restricted after insert or update on fsp.family_restriction for each row execute function fsp.follow_restricted('family');

-- The organisations that were shown rows of a class about a family or person (either may be null) since a moment. For functions
-- of the owner's alone, which make readable first what was put on record last (`fsp.index_disclosures`).
create or replace function fsp.shown_to(of_family bigint, of_person bigint, of_class text, since timestamptz) returns setof integer
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select distinct e.organisation from fsp.disclosure_entry e
  where e.id in (
      select a.entry from fsp.disclosure_family a where a.family = of_family
      union all
      select a.entry from fsp.disclosure_family a
        join (select family, person from fsp.membership union all select family, person from fsp.unborn_membership) m on m.family = a.family
        where of_family is null and m.person = of_person)
    and (of_person is null or of_person = any (e.persons))
    and of_class = any (e.classes) and e.at >= since and e.failed is null and e.organisation is not null
$$;
revoke all on function fsp.shown_to(bigint, bigint, text, timestamptz) from public;

-- The police ask that nobody is told yet of their looks at a family that they see.
create or replace function fsp.delay_notices(of_family bigint, until_when timestamptz, why text, by_whom text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation where l.name = session_user and o.agency = 'POLICE';
  if org is null or not exists (select from fsp.family_grant g
      where g.login = fsp.current_login() and g.family = of_family and g.starts <= now() and g.ends > now()) then
    raise insufficient_privilege using message = 'No such family.';
  end if;
  insert into fsp.notice_delay (family, organisation, until, reason, decided_by) values (of_family, org, until_when, why, by_whom);
end
$$;
revoke all on function fsp.delay_notices(bigint, timestamptz, text, text) from public;
grant execute on function fsp.delay_notices(bigint, timestamptz, text, text) to "{{db}}_agency_police";

-- Whom a notice is for says that they have read it, as it was then. Answers whether it still is as it was.
create or replace function fsp.acknowledge_notice(asked bigint, by_whom text, expected integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update fsp.access_notice n set acknowledged_at = now(), version = n.version + 1, updated_at = now()
    from fsp.login l
    where l.name = session_user and n.id = asked and n.addressee = l.organisation and n.worker = by_whom and n.version = expected
      and fsp.own_open(n.family);
  return found;
end
$$;
revoke all on function fsp.acknowledge_notice(bigint, text, integer) from public;
grant execute on function fsp.acknowledge_notice(bigint, text, integer) to {{members}};
