-- Who is asking: the session's own login. A role can be set and a setting can be forged; the login cannot.
-- Every policy asks this, some sixty times a statement: it reads no table, and is plain enough to be inlined.
create or replace function fsp.current_login() returns bigint
language sql stable parallel safe
as $$ select pg_catalog.to_regrole(pg_catalog.quote_ident(session_user))::oid::bigint $$;

create or replace function fsp.current_organisation() returns integer
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$ begin return (select l.organisation from fsp.login l where l.name = session_user); end $$;

-- Own rows of a restricted family are the sealed login's alone.
create or replace function fsp.sealed_off(asked bigint) returns boolean
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$ begin
  return (select f.restricted from fsp.family f where f.id = asked)
    and not coalesce((select l.sealed from fsp.login l where l.name = session_user), false);
end $$;

create or replace function fsp.sealed_off_person(asked bigint) returns boolean
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$ begin
  return exists (
      select from (
        select m.family from fsp.membership m where m.person = asked
        union all select u.family from fsp.unborn_membership u where u.person = asked) of_person
      join fsp.family f on f.id = of_person.family where f.restricted)
    and not coalesce((select l.sealed from fsp.login l where l.name = session_user), false);
end $$;

-- Writes the grants of the families named, from the rows that decide them. Locks the families and their members
-- first, so that two decisions at once cannot lose one another: each statement below reads what was committed
-- before the lock was given.
create or replace function fsp.rebuild_grants(asked bigint[]) returns void
-- Planned for each call: one family and a loader's thousands want different joins.
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
as $$
declare
  people bigint[];
  clinical constant bigint := 1 << 15;
begin
  perform from fsp.family f where f.id = any (asked) order by f.id for update;
  perform from fsp.person p where p.id in (
      select m.person from fsp.membership m where m.family = any (asked)
      union select u.person from fsp.unborn_membership u where u.family = any (asked)
      union select d.person from fsp.sharing_decision d where d.family = any (asked) and d.person is not null)
    order by p.id for update;
  people := array(
      select m.person from fsp.membership m where m.family = any (asked)
      union select u.person from fsp.unborn_membership u where u.family = any (asked)
      union select g.person from fsp.person_grant g
        join fsp.sharing_decision d on d.person = g.person where d.family = any (asked));

  delete from fsp.family_grant g where g.family = any (asked);
  insert into fsp.family_grant (login, family, period, shared, withheld, stage, marac, only_with)
  with access as materialized (
    select l.id as login, o.id as organisation, o.agency, a.family, a.person, a.starts, a.ends
    from (
      select f.id as family, f.restricted, f.controller as organisation, null::bigint as person,
        '-infinity'::timestamptz as starts, 'infinity'::timestamptz as ends
      from fsp.family f where f.id = any (asked)
      union all
      select f.id, f.restricted, i.organisation, i.person, i."from", coalesce(i.until, 'infinity')
      from fsp.involvement i join fsp.family f on f.id = i.family
      where f.id = any (asked) and i.family = any (asked) and i."from" < coalesce(i.until, 'infinity')
    ) a
    join fsp.organisation o on o.id = a.organisation
    -- A restricted family is granted to the sealed login alone; the sealed login of an organisation that has named
    -- users sees the other families as well, so that those users work in one place.
    join fsp.login l on l.organisation = o.id
      and (case when l.sealed then exists (select from fsp.sealed_user s where s.organisation = o.id) else not a.restricted end)
  ),
  decision as materialized (
    select d.family, d.organisation, d.agency, d.mask, d.effect, d."from" as starts,
      least(coalesce(d.until, 'infinity'), coalesce(d.withdrawn_at, 'infinity')) as ends
    from fsp.sharing_decision d where d.family = any (asked) and d.person is null
  ),
  cut as (
    select distinct login, organisation, agency, family, at from access, unnest(array[starts, ends]) at
    union
    select a.login, a.organisation, a.agency, a.family, at
    from access a join decision d on d.family = a.family and (d.organisation = a.organisation or d.agency = a.agency),
      unnest(array[d.starts, d.ends]) at
  ),
  slice as (
    select login, organisation, agency, family, at as starts,
      lead(at) over (partition by login, family order by at) as ends
    from cut
  ),
  seen as (
    select s.login, s.organisation, s.agency, s.family, s.starts, s.ends,
      case when bool_or(a.person is null) then null else array_agg(distinct a.person) end as only_with
    from slice s join access a on a.login = s.login and a.family = s.family and a.starts <= s.starts and a.ends >= s.ends
    where s.ends is not null
    group by s.login, s.organisation, s.agency, s.family, s.starts, s.ends
  ),
  given as (
    select s.login, s.family, s.starts,
      bit_or(d.mask) filter (where d.effect = 'SHARE') as shared,
      bit_or(d.mask) filter (where d.effect = 'WITHHOLD') as withheld
    from slice s join decision d on d.family = s.family and (d.organisation = s.organisation or d.agency = s.agency)
      and d.starts <= s.starts and d.ends >= s.ends
    group by s.login, s.family, s.starts
  )
  select s.login, s.family, tstzrange(s.starts, s.ends), coalesce(g.shared, 0), coalesce(g.withheld, 0),
    coalesce(stage.stage, 'EARLY_HELP'), coalesce(stage.marac, false), s.only_with
  from seen s
  left join given g on g.login = s.login and g.family = s.family and g.starts = s.starts
  left join fsp.family_stage stage on stage.family = s.family;

  delete from fsp.person_grant g where g.person = any (people);
  insert into fsp.person_grant (login, person, period, shared, withheld, family_shared, family_withheld, needs, agreed, stages)
  with member as materialized (
    select m.family, m.person, null::integer as unborn_of
    from fsp.membership m where m.person = any (people)
    union
    select u.family, u.person, u.controller from fsp.unborn_membership u where u.person = any (people)
  ),
  access as materialized (
    select g.login, l.organisation, o.agency, m.person, m.family, m.unborn_of,
      lower(g.period) as starts, upper(g.period) as ends, g.shared, g.withheld, g.stage, g.marac
    from member m
    join fsp.family_grant g on g.family = m.family and (g.only_with is null or m.person = any (g.only_with))
    join fsp.login l on l.id = g.login
    join fsp.organisation o on o.id = l.organisation
  ),
  decision as materialized (
    select d.person, d.organisation, d.agency, d.mask, d.effect, d."from" as starts,
      least(coalesce(d.until, 'infinity'), coalesce(d.withdrawn_at, 'infinity')) as ends
    from fsp.sharing_decision d where d.person = any (people)
  ),
  agreement as materialized (
    select i.organisation, i.person, i."from" as starts, coalesce(i.until, 'infinity') as ends
    from fsp.involvement i where i.person = any (people) and i.agreed
  ),
  cut as (
    select distinct login, organisation, agency, person, at from access, unnest(array[starts, ends]) at
    union
    select a.login, a.organisation, a.agency, a.person, at
    from access a join decision d on d.person = a.person and (d.organisation = a.organisation or d.agency = a.agency),
      unnest(array[d.starts, d.ends]) at
    union
    select a.login, a.organisation, a.agency, a.person, at
    from access a join agreement g on g.person = a.person and g.organisation = a.organisation,
      unnest(array[g.starts, g.ends]) at
  ),
  slice as (
    select login, organisation, agency, person, at as starts,
      lead(at) over (partition by login, person order by at) as ends
    from cut
  ),
  seen as (
    select s.login, s.organisation, s.agency, s.person, s.starts, s.ends,
      bit_or(a.shared) as shared, bit_or(a.withheld) as withheld,
      bool_or(a.unborn_of is null) as born, bool_or(a.unborn_of = s.organisation) as own,
      array_agg(distinct a.stage) || case when bool_or(a.marac) then array['MARAC'] else '{}' end as stages
    from slice s join access a on a.login = s.login and a.person = s.person and a.starts <= s.starts and a.ends >= s.ends
    where s.ends is not null
    group by s.login, s.organisation, s.agency, s.person, s.starts, s.ends
  ),
  given as (
    select s.login, s.person, s.starts,
      bit_or(d.mask) filter (where d.effect = 'SHARE') as shared,
      bit_or(d.mask) filter (where d.effect = 'WITHHOLD') as withheld
    from slice s join decision d on d.person = s.person and (d.organisation = s.organisation or d.agency = s.agency)
      and d.starts <= s.starts and d.ends >= s.ends
    group by s.login, s.person, s.starts
  ),
  agreed as (
    select distinct s.login, s.person, s.starts
    from slice s join agreement a on a.person = s.person and a.organisation = s.organisation
      and a.starts <= s.starts and a.ends >= s.ends
  )
  select s.login, s.person, tstzrange(s.starts, s.ends), coalesce(g.shared, 0), coalesce(g.withheld, 0),
    s.shared, s.withheld, case when s.born or s.own then 0 else clinical end, y.login is not null,
    s.stages
  from seen s
  left join given g on g.login = s.login and g.person = s.person and g.starts = s.starts
  left join agreed y on y.login = s.login and y.person = s.person and y.starts = s.starts;

  delete from fsp.user_focus u where u.family = any (asked);
  insert into fsp.user_focus (login, subject, family, only_with)
  select l.id, i.worker, i.family, array_agg(distinct i.person)
  from fsp.involvement i
  join fsp.login l on l.organisation = i.organisation
  where i.family = any (asked) and i.worker is not null and i."from" <= now() and coalesce(i.until, 'infinity') > now()
  group by l.id, i.worker, i.family
  having bool_and(i.person is not null);
end
$$;
revoke all on function fsp.rebuild_grants(bigint[]) from public;

-- A statement that changes what grants follow from rewrites them, in its own transaction. A loader of many families
-- may defer this (`fsp.defer_grants`) and call rebuild_grants itself; only the owner can call it.
create or replace function fsp.follow_grants() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  touched bigint[];
begin
  if current_setting('fsp.defer_grants', true) = 'on' and session_user = current_user then return null; end if;
  if tg_op = 'INSERT' then
    execute format('select array_agg(distinct %s) from new_rows', tg_argv[0]) into touched;
  elsif tg_op = 'DELETE' then
    execute format('select array_agg(distinct %s) from old_rows', tg_argv[0]) into touched;
  else
    execute format('select array_agg(distinct f) from (select %1$s as f from new_rows union select %1$s from old_rows) r',
      tg_argv[0]) into touched;
  end if;
  if touched is not null then perform fsp.rebuild_grants(touched); end if;
  return null;
end
$$;
revoke all on function fsp.follow_grants() from public;

-- The first or last named user of an organisation decides whether its sealed login sees its other families.
create or replace function fsp.follow_sealed_users() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    perform fsp.rebuild_grants(array(select distinct g.family from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.organisation in (select organisation from new_rows)
      union select distinct i.family from fsp.involvement i where i.organisation in (select organisation from new_rows)
      union select f.id from fsp.family f where f.controller in (select organisation from new_rows)));
  else
    perform fsp.rebuild_grants(array(select distinct g.family from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.organisation in (select organisation from old_rows)));
  end if;
  return null;
end
$$;
revoke all on function fsp.follow_sealed_users() from public;

do $$
declare
  watched record;
  verb text;
begin
  for watched in select * from (values
      ('family', 'id'), ('family_stage', 'family'), ('membership', 'family'), ('unborn_membership', 'family'),
      ('involvement', 'family'), ('sharing_decision', 'family')) as w (name, family_column) loop
    foreach verb in array array['insert', 'update', 'delete'] loop
      execute format('drop trigger if exists grants_%s on fsp.%I', verb, watched.name);
      execute format('create trigger grants_%1$s after %1$s on fsp.%2$I %3$s for each statement execute function fsp.follow_grants(%4$L)',
        verb, watched.name,
        case verb when 'insert' then 'referencing new table as new_rows'
          when 'delete' then 'referencing old table as old_rows'
          else 'referencing new table as new_rows old table as old_rows' end,
        watched.family_column);
    end loop;
  end loop;
  drop trigger if exists grants_insert on fsp.sealed_user;
  create trigger grants_insert after insert on fsp.sealed_user referencing new table as new_rows
    for each statement execute function fsp.follow_sealed_users();
  drop trigger if exists grants_delete on fsp.sealed_user;
  create trigger grants_delete after delete on fsp.sealed_user referencing old table as old_rows
    for each statement execute function fsp.follow_sealed_users();
end
$$;

-- Tells every server that a client, user or token changed; it says no more than that.
create or replace function fsp.tell_gate() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$ begin perform pg_notify('fsp_gate', ''); return null; end $$;

do $$
declare
  watched text;
begin
  foreach watched in array array['client', 'app_user', 'revoked_token', 'sealed_user', 'organisation', 'login'] loop
    execute format('drop trigger if exists tell_gate on fsp.%I', watched);
    execute format('create trigger tell_gate after insert or update or delete on fsp.%I for each statement execute function fsp.tell_gate()', watched);
  end loop;
end
$$;

-- Policies, grants, forced row-level security, functions and triggers as one digest: what was changed by hand shows.
-- With a search path of its own, because PostgreSQL prints names as the asker would have to write them.
create or replace function fsp.access_digest() returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select md5(string_agg(line, e'\n' order by line)) as digest from (
    select concat_ws('|', 'policy', tablename, policyname, permissive, roles::text, cmd, qual, with_check) as line
      from pg_policies where schemaname = 'fsp'
    union all
    select concat_ws('|', 'table', relname, relrowsecurity, relforcerowsecurity)
      from pg_class where relnamespace = 'fsp'::regnamespace and relkind in ('r', 'p', 'v', 'm')
    union all
    select concat_ws('|', 'grant', c.relname, pg_get_userbyid(a.grantee), a.privilege_type)
      from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'fsp'::regnamespace
    union all
    select concat_ws('|', 'function', p.proname, p.prosecdef, p.proconfig::text, md5(p.prosrc))
      from pg_proc p where p.pronamespace = 'fsp'::regnamespace
    union all
    select concat_ws('|', 'trigger', t.tgname, t.tgrelid::regclass, t.tgenabled)
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = 'fsp'::regnamespace and not t.tgisinternal
  ) lines
$$;
