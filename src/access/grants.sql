-- Who is asking: the session's own login. A role can be set and a setting can be forged; the login cannot.
-- Every policy asks this, some sixty times a statement: it reads no table, and is plain enough to be inlined.
create or replace function fsp.current_login() returns bigint
language sql stable parallel safe
as $$ select pg_catalog.to_regrole(pg_catalog.quote_ident(session_user))::oid::bigint $$;

create or replace function fsp.current_organisation() returns integer
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$ begin return (select l.organisation from fsp.login l where l.name = session_user); end $$;

-- Whether a family is there for an organisation's named users alone: for those of every organisation, or of this one.
create or replace function fsp.is_restricted(asked bigint, for_organisation integer) returns boolean
language sql stable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select exists (select from fsp.family f where f.id = asked and f.restricted)
    or exists (select from fsp.family_restriction r where r.family = asked and r.organisation = for_organisation and r.until is null)
$$;
revoke all on function fsp.is_restricted(bigint, integer) from public;

-- Own rows of a restricted family are the sealed login's alone. Both questions are answered of families and persons of
-- which the asking organisation has rows of its own, and of no others: who asks of the rest learns nothing.
create or replace function fsp.own_open(asked bigint) returns boolean
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  behind_seal boolean;
begin
  -- A grant to this very login has asked it all; the tables below are the long way, for those who have none.
  if exists (select from fsp.family_grant g where g.login = fsp.current_login() and g.family = asked and g.starts <= now() and g.ends > now()) then
    return true;
  end if;
  select l.organisation, l.sealed into org, behind_seal from fsp.login l where l.name = session_user and not l.emergency;
  return (exists (select from fsp.family r where r.id = asked and r.controller = org)
      or {{own_family_rows}})
    and (behind_seal or not fsp.is_restricted(asked, org));
end $$;

create or replace function fsp.own_open_person(asked bigint) returns boolean
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  behind_seal boolean;
begin
  select l.organisation, l.sealed into org, behind_seal from fsp.login l where l.name = session_user and not l.emergency;
  return ({{own_person_rows}})
    and (behind_seal or not exists (
      select from (
        select m.family from fsp.membership m where m.person = asked
        union all select u.family from fsp.unborn_membership u where u.person = asked) of_person
      where fsp.is_restricted(of_person.family, org)));
end $$;

-- Writes the grants of the families named, from the rows that decide them. Locks the families and their members
-- first, so that two decisions at once cannot lose one another: each statement below reads what was committed
-- before the lock was given. `others`: persons who belonged to a family before the change.
create or replace function fsp.rebuild_grants(asked bigint[], others bigint[] default '{}') returns void
-- Planned for each call: one family and a loader's thousands want different joins. (What is set for a function is set back when it ends.)
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set enable_nestloop = on
as $$
declare
  people bigint[];
  before jsonb;
  reached bigint[];
  locked bigint[];
  clinical constant bigint := 1 << 15;
begin
  -- The planner takes what is worked out below for a row or two, and would look for each among all: with many families that is their square.
  if cardinality(asked) > 100 then perform set_config('enable_nestloop', 'off', true); end if;
  -- Who belongs where, and who is one with whom, may have changed while a lock was waited for: it is asked again until nothing new
  -- has come.
  loop
    -- Whose whereabouts are protected is so in every family of theirs.
    reached := array(
      select unnest(asked)
      union
      select elsewhere.family
        from fsp.same_persons(array(select m.person from fsp.membership m where m.family = any (asked))) one
        join fsp.whereabouts_protection w on w.person = one.same
        join fsp.same_persons(array(select m.person from fsp.membership m where m.family = any (asked))) other on other.person = one.person
        join fsp.membership elsewhere on elsewhere.person = other.same);
    -- What is withheld about a person is withheld under every id: their grants are written by one at a time as well.
    people := array(select distinct s.same from fsp.same_persons(array(
      select m.person from fsp.membership m where m.family = any (reached)
      union select u.person from fsp.unborn_membership u where u.family = any (reached)
      union select d.person from fsp.sharing_decision d where d.family = any (reached) and d.person is not null
      union select unnest(others))) s);
    exit when reached <@ asked and people <@ locked;
    asked := reached;
    locked := people;
    perform from fsp.family f where f.id = any (asked) order by f.id for no key update;
    perform from fsp.person p where p.id = any (locked) order by p.id for no key update;
  end loop;
  people := array(
      select m.person from fsp.membership m where m.family = any (asked)
      union select u.person from fsp.unborn_membership u where u.family = any (asked)
      union select g.person from fsp.person_grant g
        join fsp.sharing_decision d on d.person = g.person where d.family = any (asked)
      union select unnest(others));
  -- What is withheld about a person is withheld about the same person under every id.
  people := array(select distinct s.same from fsp.same_persons(people) s);

  before := fsp.grant_digests(asked, people);
  delete from fsp.family_grant g where g.family = any (asked);
  insert into fsp.family_grant (login, family, period, shared, withheld, purposes, only_with, guarded, teams, workers)
  with access as materialized (
    select l.id as login, o.id as organisation, o.agency, a.family, a.person, a.starts, a.ends, a.opened
    from (
      select f.id as family, f.controller as organisation, null::bigint as person,
        '-infinity'::timestamptz as starts, 'infinity'::timestamptz as ends, null::bigint as opened
      from fsp.family f where f.id = any (asked)
      union all
      select i.family, i.organisation, i.person, i."from", coalesce(i.until, 'infinity'), null
      from fsp.involvement i
      where i.family = any (asked) and i."from" < coalesce(i.until, 'infinity')
      union all
      select e.family, e.controller, null, e."from", e.until, e.mask
      from fsp.emergency_access e where e.family = any (asked) and e."from" < e.until
    ) a
    join fsp.organisation o on o.id = a.organisation
    -- A restricted family is granted to the sealed login alone; the sealed login of an organisation that has named
    -- users sees the other families as well, so that those users work in one place. What an emergency opens is the
    -- emergency login's, which has nothing else.
    join fsp.login l on l.organisation = o.id and l.emergency = (a.opened is not null)
      and (case when l.sealed then exists (select from fsp.sealed_user s where s.organisation = o.id)
        else not fsp.is_restricted(a.family, o.id) end)
  ),
  guard as materialized (
    select distinct m.family, m.person, w."from" as starts, coalesce(w.until, 'infinity') as ends
    from fsp.membership m
    join fsp.same_persons(people) s on s.person = m.person
    join fsp.whereabouts_protection w on w.person = s.same
    where m.family = any (asked) and w."from" < coalesce(w.until, 'infinity')
  ),
  named as materialized (
    select i.organisation, i.person, i."from" as starts, coalesce(i.until, 'infinity') as ends
    from fsp.involvement i
    where i.person in (select g.person from guard g) and i."from" < coalesce(i.until, 'infinity')
  ),
  -- In whose hands the family is at the county.
  hand as materialized (
    select i.family, o.id as team, null::integer as organisation, null::text as worker, i."from" as starts, coalesce(i.until, 'infinity') as ends
    from fsp.involvement i join fsp.organisation o on o.id = i.organisation and o.agency = 'TEAM'
    where i.family = any (asked) and i."from" < coalesce(i.until, 'infinity')
    union all
    select i.family, null, i.organisation, i.worker, i."from", coalesce(i.until, 'infinity')
    from fsp.involvement i join fsp.organisation o on o.id = i.organisation and o.agency = 'LA'
    where i.family = any (asked) and i.worker is not null and i."from" < coalesce(i.until, 'infinity')
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
    union
    select a.login, a.organisation, a.agency, a.family, at
    from access a join guard g on g.family = a.family, unnest(array[g.starts, g.ends]) at
    union
    select a.login, a.organisation, a.agency, a.family, at
    from access a join guard g on g.family = a.family join named n on n.person = g.person and n.organisation = a.organisation,
      unnest(array[n.starts, n.ends]) at
    union
    select a.login, a.organisation, a.agency, a.family, at
    from access a join hand h on h.family = a.family and coalesce(h.organisation, a.organisation) = a.organisation,
      unnest(array[h.starts, h.ends]) at
    where a.agency = 'LA'
  ),
  slice as (
    select login, organisation, agency, family, at as starts,
      lead(at) over (partition by login, family order by at) as ends
    from cut
  ),
  seen as (
    select s.login, s.organisation, s.agency, s.family, s.starts, s.ends,
      case when bool_or(a.person is null) then null else array_agg(distinct a.person) end as only_with,
      bit_or(a.opened) as opened,
      exists (select from guard g where g.family = s.family and g.starts <= s.starts and g.ends >= s.ends
        and not exists (select from named n where n.person = g.person and n.organisation = s.organisation
          and n.starts <= s.starts and n.ends >= s.ends)) as guarded
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
  ),
  held as (
    select s.login, s.family, s.starts, array_agg(distinct h.team) filter (where h.team is not null) as teams,
      array_agg(distinct h.worker) filter (where h.worker is not null) as workers
    from slice s join hand h on h.family = s.family and coalesce(h.organisation, s.organisation) = s.organisation
      and h.starts <= s.starts and h.ends >= s.ends
    where s.agency = 'LA'
    group by s.login, s.family, s.starts
  )
  select s.login, s.family, tstzrange(s.starts, s.ends),
    coalesce(s.opened, g.shared, 0),
    coalesce(g.withheld, 0) | case when s.opened is null then 0 else {{all_classes}} & ~s.opened end
      | case when s.guarded then {{leak_group}} else 0 end,
    {{stage_purposes}}, s.only_with, s.guarded,
    -- A restricted family is its named users', an emergency its user's: not a team's.
    case when s.agency = 'LA' and s.opened is null and not fsp.is_restricted(s.family, s.organisation) then coalesce(h.teams, '{}') end,
    case when s.agency = 'LA' and s.opened is null and not fsp.is_restricted(s.family, s.organisation) then coalesce(h.workers, '{}') end
  from seen s
  left join given g on g.login = s.login and g.family = s.family and g.starts = s.starts
  left join held h on h.login = s.login and h.family = s.family and h.starts = s.starts
  left join fsp.family_stage stage on stage.family = s.family
  -- To a council it would tell enough that the family is there.
  where not (s.guarded and s.agency = 'DISTRICT');

  delete from fsp.person_grant g where g.person = any (people);
  insert into fsp.person_grant (login, person, period, shared, withheld, family_shared, family_withheld, needs, agreed, purposes, guarded, teams, workers)
  with member as materialized (
    select m.family, m.person, null::integer as unborn_of
    from fsp.membership m where m.person = any (people)
    union
    select u.family, u.person, u.controller from fsp.unborn_membership u where u.person = any (people)
  ),
  access as materialized (
    select g.login, l.organisation, l.emergency, o.agency, m.person, m.family, m.unborn_of,
      lower(g.period) as starts, upper(g.period) as ends, g.shared, g.withheld, g.purposes, g.guarded, g.teams, g.workers
    from member m
    join fsp.family_grant g on g.family = m.family and (g.only_with is null or m.person = any (g.only_with))
    join fsp.login l on l.id = g.login
    join fsp.organisation o on o.id = l.organisation
  ),
  decision as materialized (
    -- A merge adds up what is withheld, and nothing of what is shared.
    select s.person, d.organisation, d.agency, d.mask, d.effect, d."from" as starts,
      least(coalesce(d.until, 'infinity'), coalesce(d.withdrawn_at, 'infinity')) as ends
    from fsp.same_persons(people) s join fsp.sharing_decision d on d.person = s.same
    where d.effect = 'WITHHOLD' or s.same = s.person
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
      bit_or(a.shared) as shared,
      -- What an emergency opened of one family, another emergency does not close: that it was not asked for there withholds nothing here.
      case when bool_or(a.emergency) then bit_or(a.withheld & a.shared) | ({{all_classes}} & ~bit_or(a.shared))
        else bit_or(a.withheld) end as withheld,
      bool_or(a.unborn_of is null) as born, bool_or(a.unborn_of = s.organisation) as own,
      bit_or(a.purposes) as purposes, bool_or(a.guarded) as guarded, bool_or(a.teams is null) as anybodys
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
  ),
  held as (
    select s.login, s.person, s.starts, array_agg(distinct h.team) filter (where h.team is not null) as teams,
      array_agg(distinct h.worker) filter (where h.worker is not null) as workers
    from slice s
    join access a on a.login = s.login and a.person = s.person and a.starts <= s.starts and a.ends >= s.ends
    cross join lateral (select team, null::text as worker from unnest(a.teams) team union all select null, worker from unnest(a.workers) worker) h
    group by s.login, s.person, s.starts
  )
  select s.login, s.person, tstzrange(s.starts, s.ends), coalesce(g.shared, 0), coalesce(g.withheld, 0),
    s.shared, s.withheld, case when s.born or s.own then 0 else clinical end, y.login is not null,
    s.purposes, s.guarded, case when not s.anybodys then coalesce(h.teams, '{}') end, case when not s.anybodys then coalesce(h.workers, '{}') end
  from seen s
  left join given g on g.login = s.login and g.person = s.person and g.starts = s.starts
  left join held h on h.login = s.login and h.person = s.person and h.starts = s.starts
  left join agreed y on y.login = s.login and y.person = s.person and y.starts = s.starts
  -- An unborn child is not there at all for a login that may not know of it: not even as a grant.
  where s.born or s.own or s.agency in ({{clinical_always}})
    or (s.agency in ({{clinical_open}})
      and (coalesce(g.shared, 0) | s.shared) & ~(coalesce(g.withheld, 0) | s.withheld) & clinical <> 0);

  delete from fsp.user_focus u where u.family = any (asked);
  insert into fsp.user_focus (login, subject, family, starts, ends, only_with)
  with work as materialized (
    select i.organisation, i.worker as subject, i.family, i.person, i."from" as starts, coalesce(i.until, 'infinity') as ends
    from fsp.involvement i
    where i.family = any (asked) and i.worker is not null and i."from" < coalesce(i.until, 'infinity')
    union all
    select o.organisation, v.worker, v.family, v.person, '-infinity', coalesce((p.ended + 1)::timestamptz, 'infinity')
    from fsp.intervention v
    join fsp.intervention_link k on k.intervention = v.id
    cross join lateral (select distinct unnest(array[k.controller, k.provider, k.assigned]) as organisation) o
    left join fsp.intervention_progress p on p.intervention = v.id
    where v.family = any (asked) and v.worker is not null and o.organisation is not null
  ),
  cut as (select distinct organisation, subject, family, at from work, unnest(array[starts, ends]) at),
  slice as (
    select organisation, subject, family, at as starts,
      lead(at) over (partition by organisation, subject, family order by at) as ends
    from cut
  )
  select distinct l.id, s.subject, s.family, s.starts, s.ends, array_agg(distinct w.person)
  from slice s
  join work w on w.organisation = s.organisation and w.subject = s.subject and w.family = s.family
    and w.starts <= s.starts and w.ends >= s.ends
  join fsp.login l on l.organisation = s.organisation
  where s.ends is not null and exists (select from fsp.family_grant g where g.login = l.id and g.family = s.family)
  group by l.id, s.subject, s.family, s.starts, s.ends
  having bool_and(w.person is not null);

  delete from fsp.user_rule u where u.family = any (asked);
  insert into fsp.user_rule (login, kind, family, person, about, mask, subjects, starts, ends)
  with belongs as materialized (
    select f as family, null::bigint as person from unnest(asked) f
    union
    -- Under every id: who must not look at somebody must not look at the same person elsewhere.
    select m.family, s.same from fsp.membership m join fsp.same_persons(people) s on s.person = m.person where m.family = any (asked)
    union
    select m.family, m.person from fsp.unborn_membership m where m.family = any (asked)
  ),
  guarded as materialized (
    select distinct m.family, m.person, w."from" as starts, coalesce(w.until, 'infinity') as ends
    from fsp.membership m
    join fsp.same_persons(people) s on s.person = m.person
    join fsp.whereabouts_protection w on w.person = s.same
    where m.family = any (asked)
  ),
  rule as (
    -- The county's user is barred in the teams as well through which they work.
    select o.id as organisation, null::boolean as emergency, 'barred' as kind, c.family, null::bigint as about, null::bigint as mask,
      array[c.subject] as subjects, c."from" as starts, coalesce(c.until, 'infinity') as ends
    from fsp.conflict_of_interest c
    join fsp.organisation recorder on recorder.id = c.controller
    join fsp.organisation o on o.id = c.controller or (recorder.agency = 'LA' and o.agency = 'TEAM')
    where c.family = any (asked)
    union all
    select e.controller, true, 'opened', e.family, null, e.mask, array[e.worker], e."from", e.until
    from fsp.emergency_access e where e.family = any (asked)
    union all
    select distinct l.organisation, null::boolean, 'guarded', p.family, p.person, null::bigint, '{}'::text[], p.starts, p.ends
    from guarded p
    join fsp.family_grant g on g.family = p.family
    join fsp.login l on l.id = g.login
    union all
    -- At the county a user is named; elsewhere whoever the organisation lets near the person. Under one id: what opens one record of
    -- somebody opens no other.
    select i.organisation, null::boolean, 'named', p.family, p.person, null, case when i.worker is null then '{}' else array[i.worker] end,
      i."from", coalesce(i.until, 'infinity')
    from (select distinct p.family, p.person from guarded p) p
    join fsp.involvement i on i.person = p.person and i."from" < coalesce(i.until, 'infinity')
    join fsp.organisation o on o.id = i.organisation
    where i.worker is not null or o.agency <> 'LA'
    union all
    -- Of those who see a restricted family the record before an adoption is there for the adoption role alone.
    select distinct l.organisation, null::boolean, 'adoption', r.family, null::bigint, null::bigint, '{}'::text[], r."from", 'infinity'::timestamptz
    from fsp.family_restriction r
    join fsp.family_grant g on g.family = r.family
    join fsp.login l on l.id = g.login
    where r.family = any (asked) and r.cause = 'ADOPTION' and r.until is null
  )
  select l.id, r.kind, r.family, b.person, r.about, r.mask, r.subjects, r.starts, r.ends
  from rule r
  join belongs b on b.family = r.family
  join fsp.login l on l.organisation = r.organisation and (r.emergency is null or l.emergency = r.emergency)
  where r.starts < r.ends
    -- Of a family that is not there for a login nothing is protected there: what is withheld of who is seen elsewhere would tell of it.
    and (r.kind <> 'guarded' or exists (select from fsp.family_grant g where g.login = l.id and g.family = r.family))
    -- Who else belonged to the family is there in their other families.
    and (r.kind <> 'adoption' or b.person is null or exists (select from fsp.adoption a where a.person = b.person));

  perform fsp.note_rights(before, asked, people);
end
$$;
revoke all on function fsp.rebuild_grants(bigint[], bigint[]) from public;

-- A statement that changes what grants follow from rewrites them, in its own transaction. A loader of many families
-- may defer this (`fsp.defer_grants`) and call rebuild_grants itself; only the owner can call it.
create or replace function fsp.follow_grants() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  changed text;
  touched bigint[];
  people bigint[] := '{}';
begin
  if current_setting('fsp.defer_grants', true) = 'on' and session_user = current_user then return null; end if;
  changed := case tg_op when 'INSERT' then 'select * from new_rows' when 'DELETE' then 'select * from old_rows'
    else 'select * from new_rows union all select * from old_rows' end;
  execute format('select array_agg(distinct %s) from (%s) r', tg_argv[0], changed) into touched;
  if tg_nargs > 1 then execute format('select array_agg(distinct %s) from (%s) r', tg_argv[1], changed) into people; end if;
  if touched is not null then perform fsp.rebuild_grants(touched, coalesce(people, '{}')); end if;
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
      ('family', $q$'id'$q$), ('family_stage', $q$'family'$q$), ('membership', $q$'family', 'person'$q$),
      ('unborn_membership', $q$'family', 'person'$q$), ('involvement', $q$'family'$q$), ('sharing_decision', $q$'family'$q$),
      ('whereabouts_protection', $q$'family', 'person'$q$), ('family_restriction', $q$'family'$q$), ('conflict_of_interest', $q$'family'$q$),
      ('emergency_access', $q$'family'$q$),
      ('intervention', $q$'family'$q$), ('intervention_link', $q$'family'$q$), ('intervention_progress', $q$'family'$q$)) as w (name, columns) loop
    foreach verb in array array['insert', 'update', 'delete'] loop
      execute format('drop trigger if exists grants_%s on fsp.%I', verb, watched.name);
      execute format('create trigger grants_%1$s after %1$s on fsp.%2$I %3$s for each statement execute function fsp.follow_grants(%4$s)',
        verb, watched.name,
        case verb when 'insert' then 'referencing new table as new_rows'
          when 'delete' then 'referencing old table as old_rows'
          else 'referencing new table as new_rows old table as old_rows' end,
        watched.columns);
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

-- What a login writes gets its key, its times and its version from here, whatever the statement said; who did it is the
-- login's own organisation; and what an offer's link tells follows from the service.
create or replace function fsp.stamp() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  told jsonb := to_jsonb(new);
  given jsonb := '{}';
  told_class text;
  subject_table text;
  kept bigint[];
  opened bigint;
  row_classes constant jsonb := {{row_classes}};
begin
  if session_user = current_user then return new; end if;
  if told ? 'id' then
    given := given || jsonb_build_object('id', coalesce(nextval(pg_get_serial_sequence('fsp.' || tg_table_name, 'id')),
      -- Of a table that counts nothing the key is drawn.
      ('x' || left(replace(gen_random_uuid()::text, '-', ''), 12))::bit(48)::bigint));
  end if;
  if told ? 'at' then given := given || jsonb_build_object('at', now()); end if;
  if told ? 'created_at' then given := given || jsonb_build_object('created_at', now(), 'updated_at', now(), 'version', 1); end if;
  if tg_table_name = 'idempotency' then given := given || jsonb_build_object('login', fsp.current_login()); end if;
  if told ? 'client' and not exists (select from fsp.client c join fsp.login l on l.organisation = c.organisation
      where c.id = told ->> 'client' and l.name = session_user) then
    raise insufficient_privilege using message = 'Not this login''s client.';
  end if;
  if row_classes ? tg_table_name then
    execute format('select data_class from fsp.%I where id = $1', row_classes ->> tg_table_name)
      into told_class using (told ->> (row_classes ->> tg_table_name))::int;
    given := given || jsonb_build_object('row_mask', 1::bigint << ({{class_bits}} ->> told_class)::int);
  end if;
  if tg_table_name = 'service_offer_link' then
    -- What is given by voucher is on nobody's desk: that somebody was sent there is not told.
    given := given || jsonb_build_object('provider', (select case when s.by_voucher then (told ->> 'controller')::int else s.organisation end
      from fsp.service s where s.id = (told ->> 'service')::int));
  end if;
  if tg_table_name = 'intervention_link' then
    -- Who is asked to help somebody is shown whom: their work with that person begins with the request.
    select i.id into opened from fsp.involvement i where i.family = (told ->> 'family')::bigint and i.organisation = (told ->> 'provider')::int
      and (i.person is null or i.person = (told ->> 'person')::bigint) and i.until is null order by i.person nulls first limit 1;
    -- Of a family or person that the asker does not see nothing is opened: the row is refused below, in the same words as of none.
    if opened is null and exists (select from fsp.family_grant g where g.login = fsp.current_login() and g.family = (told ->> 'family')::bigint
          and g.starts <= now() and g.ends > now())
        and exists (select from fsp.person_grant g where g.login = fsp.current_login() and g.person = (told ->> 'person')::bigint
          and g.starts <= now() and g.ends > now())
        and exists (select from fsp.programme_provider p join fsp.organisation o on o.id = p.organisation
        where p.programme = (told ->> 'programme')::int and p.organisation = (told ->> 'provider')::int and o.agency in ('PROVIDER', 'HEALTH')
          and p.valid_from <= current_date and coalesce(p.valid_to, 'infinity') > current_date) then
      insert into fsp.involvement (family, person, controller, row_mask, organisation, role, agreed, "from")
        values ((told ->> 'family')::bigint, (told ->> 'person')::bigint, (told ->> 'controller')::int, (given ->> 'row_mask')::bigint,
          (told ->> 'provider')::int, 'provider-practitioner', coalesce((told ->> 'agreed')::boolean, false), now())
        returning id into opened;
    elsif opened is not null and not exists (select from fsp.intervention_link k where k.involvement = opened) then
      -- It stands for other work than what requests began, and does not end with them.
      opened := null;
    end if;
    given := given || jsonb_build_object('involvement', opened);
  end if;
  if tg_table_name = 'incident' and told ->> 'basis' = 'RECORDED' and not exists (select from fsp.login l
      join fsp.organisation o on o.id = l.organisation where l.name = session_user and o.agency = 'POLICE') then
    raise insufficient_privilege using message = 'The police record; others report.';
  end if;
  -- Which family it is of is not known yet: the county's contact, or a referral by whoever sent it. Any other subject would be
  -- somebody else's, whose own clock it would keep from running.
  if tg_table_name = 'clock' and told ->> 'family' is null and not exists (select from fsp.login l
      join fsp.organisation o on o.id = l.organisation where l.name = session_user and (o.agency = 'LA'
        or (told ->> 'person' is null and told ->> 'subject_type' = 'Referral' and exists (select from fsp.referral r
          where r.id = (told ->> 'subject_id')::bigint and r.sender = o.id)))) then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  -- What is due about a row is kept from whom the row is kept from.
  if tg_table_name = 'clock' then
    subject_table := lower(regexp_replace(told ->> 'subject_type', '([a-z0-9])([A-Z])', '\1_\2', 'g'));
    if (select count(*) from pg_attribute a where a.attrelid = to_regclass(format('fsp.%I', subject_table))
        and a.attname in ('id', 'kept_from')) = 2 then
      execute format('select kept_from from fsp.%I where id = $1', subject_table) into kept using (told ->> 'subject_id')::bigint;
      given := given || jsonb_build_object('kept_from', coalesce(kept, '{}'));
    end if;
  end if;
  return jsonb_populate_record(new, given);
end
$$;
revoke all on function fsp.stamp() from public;

-- Who takes an intervention up works on it, and what opened the family to them ends with it.
create or replace function fsp.follow_progress() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  belongs text;
begin
  if session_user = current_user then return null; end if;
  if new.worker is distinct from old.worker then
    update fsp.intervention v set worker = new.worker where v.id = new.intervention;
    update fsp.intervention_link k set worker = new.worker where k.intervention = new.intervention;
    foreach belongs in array array[{{of_intervention}}] loop
      execute format('update fsp.%I r set worker = $1 where r.intervention = $2 and r.worker is not distinct from $3', belongs)
        using new.worker, new.intervention, old.worker;
    end loop;
  end if;
  if new.ended is not null and old.ended is null then
    update fsp.involvement i set until = now()
      from fsp.intervention_link k
      where k.intervention = new.intervention and i.id = k.involvement and i.until is null
        and not exists (select from fsp.intervention_link other join fsp.intervention_progress p on p.intervention = other.intervention
          where other.involvement = i.id and p.ended is null);
  end if;
  return null;
end
$$;
revoke all on function fsp.follow_progress() from public;
drop trigger if exists follow_progress on fsp.intervention_progress;
create trigger follow_progress after update on fsp.intervention_progress for each row execute function fsp.follow_progress();

-- What a login changes keeps its key, its family once it has one, whose it is and whom it is kept from; its version counts
-- the change, and what it was before is kept.
create or replace function fsp.amend() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  was jsonb := to_jsonb(old);
  told jsonb := to_jsonb(new);
  given jsonb := '{}';
  fixed text;
  own_key text;
  held record;
  belongs boolean;
  held_by constant jsonb := {{held_by}};
begin
  if session_user <> current_user then
    foreach fixed in array array['id', 'controller', 'created_at', 'row_mask', 'sender', 'version', 'basis', 'intervention', 'involvement',
        'subject_type', 'subject_id', 'rule'] loop
      if was ? fixed then given := given || jsonb_build_object(fixed, was -> fixed); end if;
    end loop;
    -- More persons may be named whom it is kept from. Whom it is kept from is lifted by `fsp.lift_kept_from` alone, which says so in
    -- this very transaction; and what a manager has lifted stays lifted.
    if was ? 'kept_from' then
      own_key := coalesce(was ->> 'id', was ->> (select a.attname::text from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey) where i.indrelid = tg_relid and i.indisprimary limit 1));
      given := given || jsonb_build_object('kept_from', (select coalesce(jsonb_agg(distinct kept), '[]') from (
        select kept from jsonb_array_elements(was -> 'kept_from') kept
          where not exists (select from fsp.kept_from_lift l where l.subject_table = tg_table_name
            and l.row_key = own_key::bigint and l.person = kept::bigint and l.xmin = pg_current_xact_id()::xid)
        union all
        select kept from jsonb_array_elements(told -> 'kept_from') kept
          where not exists (select from fsp.kept_from_lift l where l.subject_table = tg_table_name
            and l.row_key = own_key::bigint and l.person = kept::bigint)) named));
    end if;
    if was ? 'family' and was ->> 'family' is not null then given := given || jsonb_build_object('family', was -> 'family'); end if;
    -- A row stays with the row that it belongs to, and comes to belong to none but one of its own family: what is hidden and what
    -- never was are refused alike.
    for held in select * from jsonb_to_recordset(held_by -> tg_table_name) as h ("column" text, parent text, key text, required boolean) loop
      if held.required then
        given := given || jsonb_build_object(held."column", was -> held."column");
      elsif told ->> held."column" is distinct from was ->> held."column" and told ->> held."column" is not null then
        execute format('select true from fsp.%I p where p.%I = $1 and p.family is not distinct from $2', held.parent, held.key)
          into belongs using (told ->> held."column")::bigint, (told ->> 'family')::bigint;
        if belongs is null then raise insufficient_privilege using message = 'No such row.'; end if;
      end if;
    end loop;
    if was ? 'person' and was ->> 'person' is null and told ->> 'person' is not null and not exists (select from fsp.person_grant g
        where g.login = fsp.current_login() and g.person = (told ->> 'person')::bigint and g.starts <= now() and g.ends > now()) then
      raise insufficient_privilege using message = 'No such row.';
    end if;
    if was ? 'person' and was ->> 'person' is not null then given := given || jsonb_build_object('person', was -> 'person'); end if;
    if told ? 'updated_at' then given := given || jsonb_build_object('updated_at', now()); end if;
    if told ? 'version' then given := given || jsonb_build_object('version', (was ->> 'version')::int + 1); end if;
    insert into fsp.earlier (organisation, subject_table, row_key, was)
      select l.organisation, tg_table_name, coalesce(was ->> 'id', was ->> 'family', was ->> 'person'), was
      from fsp.login l where l.name = session_user;
  end if;
  return jsonb_populate_record(new, given);
end
$$;
revoke all on function fsp.amend() from public;

do $$
declare
  written text;
begin
  foreach written in array array[{{written}}] loop
    execute format('drop trigger if exists stamp on fsp.%I', written);
    execute format('create trigger stamp before insert on fsp.%I for each row execute function fsp.stamp()', written);
  end loop;
  foreach written in array array[{{amended}}] loop
    execute format('drop trigger if exists amend on fsp.%I', written);
    execute format('create trigger amend before update on fsp.%I for each row execute function fsp.amend()', written);
  end loop;
end
$$;

-- A family, and a person in it: the two rows that stand before any grant there is. A county makes them; who is carried by
-- an unborn child's mother is also put on record by those who treat her.
create or replace function fsp.new_family() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  made bigint;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA';
  if org is null then raise insufficient_privilege using message = 'Families are the county''s to make.'; end if;
  insert into fsp.family (controller) values (org) returning id into made;
  return made;
end
$$;
revoke all on function fsp.new_family() from public;

create or replace function fsp.new_member(asked bigint, role text, since date, unborn boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  kind text;
  made bigint;
begin
  unborn := coalesce(unborn, false);
  select o.id, o.agency into org, kind from fsp.login l join fsp.organisation o on o.id = l.organisation where l.name = session_user;
  if not (kind = 'LA' or (kind = 'HEALTH' and unborn)) or not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.name = session_user and g.family = asked and g.starts <= now() and g.ends > now()) then
    raise insufficient_privilege using message = 'No such family.';
  end if;
  insert into fsp.person (controller) values (org) returning id into made;
  if unborn then
    insert into fsp.unborn_membership (family, person, controller, role, "from") values (asked, made, org, role, since);
    -- Who a child is, is the county's to keep, whoever hears of the child first.
    insert into fsp.person_identity (person, controller, sex) select made, f.controller, 'U' from fsp.family f where f.id = asked;
  else
    insert into fsp.membership (family, person, controller, role, "from") values (asked, made, org, role, since);
  end if;
  return made;
end
$$;
revoke all on function fsp.new_member(bigint, text, date, boolean) from public;

-- A child is born: from that day a member like any other, in every family that awaited it. The county's to say, of a
-- child of whom its login knows.
create or replace function fsp.record_birth(asked bigint, as_role text, day date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  awaited bigint[];
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA';
  if org is null or not exists (select from fsp.person_grant g join fsp.login l on l.id = g.login
      where l.name = session_user and g.person = asked and g.starts <= now() and g.ends > now()) then
    raise insufficient_privilege using message = 'No such child.';
  end if;
  perform from fsp.person p where p.id = asked for no key update;
  with ended as (
    update fsp.unborn_membership u set until = day where u.person = asked and u.until is null returning u.family
  ) select array_agg(distinct family) into awaited from ended;
  insert into fsp.membership (family, person, controller, role, "from") select f, asked, org, as_role, day from unnest(awaited) f;
  return coalesce(cardinality(awaited), 0);
end
$$;
revoke all on function fsp.record_birth(bigint, text, date) from public;
grant execute on function fsp.new_family(), fsp.new_member(bigint, text, date, boolean), fsp.record_birth(bigint, text, date) to {{members}};

-- A number that should be one person's, or one family's, stands on two: noted, not refused. A refusal would tell its
-- writer of a record that it may not see.
create or replace function fsp.note_match() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- The record of a child before an adoption matches nobody.
  execute format('insert into fsp.match_candidate (subject_table, row_key, other)
    select %1$L, $1, r.%2$I from fsp.%1$I r where r.%3$I = $2 and r.%2$I <> $1 and (%1$L = ''family_name''
      or not exists (select from fsp.adoption a where a.person in ($1, r.%2$I)))', tg_table_name, tg_argv[0], tg_argv[1])
    using (to_jsonb(new) ->> tg_argv[0])::bigint, to_jsonb(new) ->> tg_argv[1];
  return null;
end
$$;
revoke all on function fsp.note_match() from public;

do $$
declare
  numbered record;
begin
  for numbered in select * from (values ('person_nhs_number', 'person', 'nhs_number'), ('person_upn', 'person', 'upn'),
      ('family_name', 'family', 'reference')) as n (name, row_key, value) loop
    execute format('drop trigger if exists note_match on fsp.%I', numbered.name);
    execute format('create trigger note_match after insert or update of %2$I on fsp.%1$I for each row execute function fsp.note_match(%3$L, %2$L)',
      numbered.name, numbered.value, numbered.row_key);
  end loop;
end
$$;

-- A row, and what belongs to it, is kept from a person no longer. The county decides, whoever wrote it, by a decision made in
-- this transaction; without one nothing is lifted. What it was kept from before stays on record (`fsp.amend`).
-- Answers whether any of it was kept from the person.
create or replace function fsp.lift_kept_from(lifted text, asked bigint, from_whom bigint, decided bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  of_family bigint;
  part record;
  keys bigint[];
  any_lifted boolean := false;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA';
  if org is null then raise insufficient_privilege using message = 'Only the county lifts it.'; end if;
  if not exists (select from unnest(array[{{kept_from_rows}}]) known where known = lifted) then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  execute format('select family from fsp.%I where id = $1 for update', lifted) into of_family using asked;
  if not exists (select from fsp.decision d where d.id = decided and d.controller = org and d.family = of_family
        and d.kind = 'kept-from-lifted' and d.person = from_whom and d.xmin = pg_current_xact_id()::xid)
      or not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
        where l.name = session_user and g.family = of_family and g.starts <= now() and g.ends > now()) then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  for part in select * from (values {{kept_from_parts}}) as p (whole, name, key, own) where p.whole = lifted loop
    execute format('select array_agg(%I) from fsp.%I where %I = $1 and $2 = any (kept_from)', part.own, part.name, part.key)
      into keys using asked, from_whom;
    if keys is null then continue; end if;
    any_lifted := true;
    insert into fsp.kept_from_lift (subject_table, row_key, person, decision, organisation)
      select part.name, row_key, from_whom, decided, org from unnest(keys) row_key;
    execute format('update fsp.%I set kept_from = array_remove(kept_from, $2) where %I = any ($1)', part.name, part.own)
      using keys, from_whom;
  end loop;
  return any_lifted;
end
$$;
revoke all on function fsp.lift_kept_from(text, bigint, bigint, bigint) from public;
grant execute on function fsp.lift_kept_from(text, bigint, bigint, bigint) to {{members}};

-- Members of a family who are recorded as harming any of the persons told: whom a condition binds that protects them, who broke
-- such a condition, and who was the suspect of an incident in a family in which they were the victim of one. Also what the asker may
-- not read: what a victim tells is kept from them whoever writes it down. Answered of families that the asker works with today, and
-- of no others.
create or replace function fsp.recorded_as_harming(asked bigint, tellers bigint[]) returns bigint[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.name = session_user and g.family = asked and g.starts <= now() and g.ends > now()) then
    return '{}';
  end if;
  -- Of strangers to the family nothing is told: who asks of them would learn of families that it does not see.
  tellers := array(select m.person from fsp.membership m where m.family = asked and m.person = any (tellers));
  return array(
    select distinct h.person from (
      select bound.person, safe.person as harmed
        from fsp.safety_condition_person safe join fsp.safety_condition_person bound on bound.condition = safe.condition
        where safe.person = any (tellers) and safe.part = 'PROTECTED' and bound.part = 'BOUND'
      union all
      select broke.person, safe.person
        from fsp.safety_condition_person safe join fsp.incident broke on broke.breaches = safe.condition
        where safe.person = any (tellers) and safe.part = 'PROTECTED'
      union all
      select suspect.person, victim.person
        from fsp.incident victim join fsp.incident suspect on suspect.family = victim.family
        where victim.person = any (tellers) and victim.part = 'VICTIM' and suspect.part = 'SUSPECT'
    ) h
    where h.person <> h.harmed and exists (select from fsp.membership m where m.family = asked and m.person = h.person)
    order by h.person);
end
$$;
revoke all on function fsp.recorded_as_harming(bigint, bigint[]) from public;
grant execute on function fsp.recorded_as_harming(bigint, bigint[]) to {{members}};

-- An organisation's own row, and what belongs to it, is kept from more persons than before: what is added to it says more.
create or replace function fsp.keep_from(kept text, asked bigint, whom bigint[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  of_family bigint;
  part record;
begin
  if not exists (select from unnest(array[{{kept_from_rows}}]) known where known = kept) then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  execute format('select r.family from fsp.%I r join fsp.login l on l.organisation = r.controller and l.name = session_user
    where r.id = $1 for update of r', kept) into of_family using asked;
  if not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.name = session_user and g.family = of_family and g.starts <= now() and g.ends > now()) then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  for part in select * from (values {{kept_from_parts}}) as p (whole, name, key, own) where p.whole = kept loop
    execute format('update fsp.%I set kept_from = kept_from || $2 where %I = $1 and not kept_from @> $2', part.name, part.key)
      using asked, whom;
  end loop;
  update fsp.clock c set kept_from = c.kept_from || whom
    where c.subject_type = replace(initcap(replace(kept, '_', ' ')), ' ', '') and c.subject_id = asked and not c.kept_from @> whom;
end
$$;
revoke all on function fsp.keep_from(text, bigint, bigint[]) from public;
grant execute on function fsp.keep_from(text, bigint, bigint[]) to {{members}};

-- Meets or ends the clocks that run for a subject. An organisation stops those that it started or was given; a county and its
-- teams stop each other's, of a family that they see.
create or replace function fsp.stop_clocks(of_rule text, about text, about_key bigint, met date, stopped date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  kind text;
  changed integer;
begin
  select o.id, o.agency into org, kind from fsp.login l join fsp.organisation o on o.id = l.organisation where l.name = session_user;
  update fsp.clock c set met_on = coalesce(met, c.met_on), ended_on = coalesce(stopped, c.ended_on)
    where c.subject_type = about and c.subject_id = about_key and (of_rule is null or c.rule = of_rule)
      and c.met_on is null and c.ended_on is null
      and (org in (c.controller, c.assigned) and (c.family is null or fsp.own_open(c.family))
        or kind in ('LA', 'TEAM') and exists (select from fsp.family_grant g where g.login = fsp.current_login()
          and g.family = c.family and g.starts <= now() and g.ends > now())
          and (c.person is null or exists (select from fsp.person_grant g where g.login = fsp.current_login()
            and g.person = c.person and g.starts <= now() and g.ends > now())));
  get diagnostics changed = row_count;
  return changed;
end
$$;
revoke all on function fsp.stop_clocks(text, text, bigint, date, date) from public;
grant execute on function fsp.stop_clocks(text, text, bigint, date, date) to {{members}};

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
      from pg_class where relnamespace = 'fsp'::regnamespace and relkind in ('r', 'p', 'v', 'm') and not relispartition
    union all
    select concat_ws('|', 'grant', c.relname, pg_get_userbyid(a.grantee), a.privilege_type)
      from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'fsp'::regnamespace
    union all
    select concat_ws('|', 'function', p.proname, p.prosecdef, p.proconfig::text, md5(p.prosrc))
      from pg_proc p where p.pronamespace = 'fsp'::regnamespace
    union all
    select concat_ws('|', 'trigger', t.tgname, t.tgrelid::regclass, t.tgenabled)
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = 'fsp'::regnamespace and not t.tgisinternal and not c.relispartition
    union all
    -- Partitions come and go; one that is not guarded as they all are shows.
    select concat_ws('|', 'partition', c.relname) from pg_class c
      where c.relnamespace = 'fsp'::regnamespace and c.relispartition and c.relkind = 'r'
        and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_trigger t
          where t.tgrelid = c.oid and t.tgname = 'guard' and t.tgenabled = 'O'))
  ) lines
$$;
