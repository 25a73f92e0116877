-- Each of the persons asked, with everyone who is the same person today, themselves among them. Restrictions are reckoned over
-- these; what opens a record is not.
create or replace function fsp.same_persons(asked bigint[]) returns table (person bigint, same bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  with recursive link as (
    select m.survivor as one, m.merged as other from fsp.person_merge m where m.confirmed_at is not null and m.unmerged_at is null
    union all
    select m.merged, m.survivor from fsp.person_merge m where m.confirmed_at is not null and m.unmerged_at is null
  ),
  reached as (
    select a as person, a as same from unnest(asked) a
    union
    select r.person, l.other from reached r join link l on l.one = r.same
  )
  select r.person, r.same from reached r
$$;
revoke all on function fsp.same_persons(bigint[]) from public;

-- What is kept from a person is kept from the same person under every id, whenever it is written. What this adds is noted, so
-- that it goes with what it follows from: where that is lifted, and where the two are found to be two.
create or replace function fsp.keep_from_same() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  own_key constant bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
  of_family constant bigint := (to_jsonb(new) ->> 'family')::bigint;
  freed bigint[];
begin
  if new.kept_from = '{}' and (tg_op = 'INSERT' or old.kept_from = '{}') then return new; end if;
  if tg_op = 'UPDATE' and not old.kept_from <@ new.kept_from then
    with let as (
      delete from fsp.merge_kept_from k where k.subject_table = tg_table_name and k.row_key = own_key
        and k.because = any (old.kept_from) and k.because <> all (new.kept_from)
      returning k.person)
    select array_agg(distinct person) into freed from let
      where not exists (select from fsp.merge_kept_from k where k.subject_table = tg_table_name and k.row_key = own_key
        and k.person = let.person and k.because = any (new.kept_from));
    new.kept_from := array(select kept from unnest(new.kept_from) kept where freed is null or kept <> all (freed));
  end if;
  if not exists (select from fsp.person_merge m where m.confirmed_at is not null and m.unmerged_at is null) then return new; end if;
  with added as (
    insert into fsp.merge_kept_from (subject_table, row_key, person, because)
      select tg_table_name, own_key, s.same, s.person
      -- Of who belongs to the row's family, or is seen by who writes. Of strangers nothing is told to who writes their keys into a row.
      from fsp.same_persons(array(select kept from unnest(new.kept_from) kept where exists (
        select from fsp.membership m where m.family = of_family and m.person = kept
        union all select from fsp.unborn_membership u where u.family = of_family and u.person = kept
        union all select where session_user = current_user
        union all select from fsp.person_grant g where g.login = fsp.current_login() and g.person = kept
          and g.starts <= now() and g.ends > now()))) s
      where s.same <> all (new.kept_from)
    returning person)
  select new.kept_from || coalesce(array_agg(distinct person), '{}') into new.kept_from from added;
  return new;
end
$$;
revoke all on function fsp.keep_from_same() from public;

do $$
declare
  kept record;
begin
  for kept in select * from (values {{kept_from_tables}}) as k (name, key) loop
    -- After `stamp` and `amend`, in the order of their names.
    execute format('drop trigger if exists with_same on fsp.%I', kept.name);
    execute format('create trigger with_same before insert or update of kept_from on fsp.%I for each row execute function fsp.keep_from_same(%L)',
      kept.name, kept.key);
  end loop;
end
$$;

-- Whether the asking login is a county's and sees both persons today.
create or replace function fsp.county_sees(persons bigint[]) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select o.id from fsp.login l join fsp.organisation o on o.id = l.organisation
  where l.name = session_user and o.agency = 'LA' and not l.emergency and not exists (
    select from unnest(persons) p where not exists (select from fsp.person_grant g
      where g.login = l.id and g.person = p and g.starts <= now() and g.ends > now()))
$$;
revoke all on function fsp.county_sees(bigint[]) from public;

-- After a link between persons came or went: who is the same as whom, what that withholds, and what it keeps from whom.
create or replace function fsp.follow_merge(touched bigint[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  kept record;
begin
  delete from fsp.person_same s where s.person = any (touched) or s.other = any (touched);
  insert into fsp.person_same (person, other, controller)
    select s.person, s.same, p.controller from fsp.same_persons(touched) s join fsp.person p on p.id = s.person where s.same <> s.person;
  for kept in select * from (values {{kept_from_tables}}) as k (name, key) loop
    execute format('update fsp.%I r set kept_from = r.kept_from where r.kept_from && $1
      and exists (select from fsp.same_persons(r.kept_from) s where s.same <> all (r.kept_from))', kept.name) using touched;
  end loop;
  perform fsp.rebuild_grants(array(
    select m.family from fsp.membership m where m.person = any (touched)
    union select u.family from fsp.unborn_membership u where u.person = any (touched)), touched);
end
$$;
revoke all on function fsp.follow_merge(bigint[]) from public;

-- Somebody of the county takes two persons, both of whom they see, for one. Null where that is proposed, or so, already.
create or replace function fsp.propose_merge(stays bigint, goes bigint, why text, by_user text, by_name text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.county_sees(array[stays, goes]);
  made bigint;
begin
  if org is null or by_user is null then raise insufficient_privilege using message = 'No such row.'; end if;
  perform from fsp.person p where p.id in (stays, goes) order by p.id for no key update;
  -- Whoever the other is: that the two are one, or are not, is told by nothing.
  if exists (select from fsp.adoption a where a.person in (stays, goes)) then return null; end if;
  if exists (select from fsp.same_persons(array[stays]) s where s.same = goes) then return null; end if;
  insert into fsp.person_merge (survivor, merged, controller, reason, proposed_by, proposed_by_name)
    values (stays, goes, org, why, by_user, by_name) on conflict do nothing returning id into made;
  return made;
end
$$;
revoke all on function fsp.propose_merge(bigint, bigint, text, text, text) from public;
grant execute on function fsp.propose_merge(bigint, bigint, text, text, text) to {{members}};

-- Somebody else of the same county agrees: a user of it, and not the one who proposed. False where it was done already.
create or replace function fsp.merge_persons(asked bigint, by_user text, by_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  proposal fsp.person_merge;
begin
  select * into proposal from fsp.person_merge m where m.id = asked;
  if proposal.id is null or fsp.county_sees(array[proposal.survivor, proposal.merged]) is distinct from proposal.controller then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  perform from fsp.person p where p.id in (proposal.survivor, proposal.merged) order by p.id for no key update;
  if by_user is null or by_user = proposal.proposed_by or not exists (select from fsp.app_user u
      where u.organisation = proposal.controller and u.subject = by_user and u.enabled) then
    raise insufficient_privilege using message = 'It needs two people.';
  end if;
  if exists (select from fsp.adoption a where a.person in (proposal.survivor, proposal.merged)) then return false; end if;
  update fsp.person_merge m set confirmed_by = by_user, confirmed_by_name = by_name, confirmed_at = now(), version = m.version + 1, updated_at = now()
    where m.id = asked and m.confirmed_at is null;
  if not found then return false; end if;
  perform fsp.follow_merge(array(select s.same from fsp.same_persons(array[proposal.survivor]) s));
  return true;
end
$$;
revoke all on function fsp.merge_persons(bigint, text, text) from public;
grant execute on function fsp.merge_persons(bigint, text, text) to {{members}};

-- They are two after all: both are again as they were. What was kept from one on the other's account alone is no longer.
create or replace function fsp.unmerge_persons(asked bigint, why text, by_user text, by_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  link fsp.person_merge;
  touched bigint[];
  freed record;
  part record;
  before bigint[];
begin
  select * into link from fsp.person_merge m where m.id = asked;
  if link.id is null or fsp.county_sees(array[link.survivor, link.merged]) is distinct from link.controller then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  touched := array(select s.same from fsp.same_persons(array[link.survivor]) s order by 1);
  perform from fsp.person p where p.id = any (touched) order by p.id for no key update;
  update fsp.person_merge m set unmerged_by = by_user, unmerged_by_name = by_name, unmerged_at = now(), unmerge_reason = why,
      version = m.version + 1, updated_at = now()
    where m.id = asked and m.confirmed_at is not null and m.unmerged_at is null;
  if not found then return false; end if;

  delete from fsp.merge_kept_from k where k.person = any (touched) and k.because = any (touched)
    and not exists (select from fsp.same_persons(array[k.because]) s where s.same = k.person)
    and exists (select from fsp.merge_kept_from other where other.subject_table = k.subject_table and other.row_key = k.row_key
      and other.person = k.person and exists (select from fsp.same_persons(array[other.because]) s where s.same = k.person));
  for freed in
    with let as (
      delete from fsp.merge_kept_from k where k.person = any (touched) and k.because = any (touched)
        and not exists (select from fsp.same_persons(array[k.because]) s where s.same = k.person)
      returning k.subject_table, k.row_key, k.person)
    select l.subject_table, l.row_key, t.key as own_key, array_agg(distinct l.person) as persons
    from let l join (values {{kept_from_tables}}) as t (name, key) on t.name = l.subject_table
    group by l.subject_table, l.row_key, t.key
  loop
    execute format('select kept_from from fsp.%I where %I = $1', freed.subject_table, freed.own_key) into before using freed.row_key;
    if before is null then continue; end if;
    -- The row itself, and what was written with it since, which took over whom it is kept from as it stood.
    for part in
      select freed.subject_table as name, freed.own_key as col, freed.own_key as key, null::text as type
      union all
      select p.name, p.key, p.own, null from (values {{kept_from_parts}}) as p (whole, name, key, own)
        where p.whole = freed.subject_table and p.name <> p.whole
      union all
      select a.name, 'subject_id', 'id', replace(initcap(replace(freed.subject_table, '_', ' ')), ' ', '')
        from (values {{about_rows}}) as a (name) where a.name in (select k.name from (values {{kept_from_tables}}) as k (name, key))
    loop
      -- `amend` lets nothing be kept from fewer but by a lift of this very transaction: this one is none, and leaves none behind.
      execute format('insert into fsp.kept_from_lift (subject_table, row_key, person, decision, organisation)
        select %1$L, r.%3$I, gone, 0, $4 from fsp.%1$I r, unnest($2) gone
        where r.%2$I = $1 and r.kept_from @> $3 and r.kept_from <@ $3 %4$s', part.name, part.col, part.key,
        case when part.type is null then '' else format('and r.subject_type = %L', part.type) end)
        using freed.row_key, freed.persons, before, link.controller;
      execute format('update fsp.%1$I r set kept_from = array(select kept from unnest(r.kept_from) kept where kept <> all ($2))
        where r.%2$I = $1 and r.kept_from @> $3 and r.kept_from <@ $3 %3$s', part.name, part.col,
        case when part.type is null then '' else format('and r.subject_type = %L', part.type) end)
        using freed.row_key, freed.persons, before;
    end loop;
  end loop;
  delete from fsp.kept_from_lift l where l.decision = 0 and l.xmin = pg_current_xact_id()::xid;
  perform fsp.follow_merge(touched);
  return true;
end
$$;
revoke all on function fsp.unmerge_persons(bigint, text, text, text) from public;
grant execute on function fsp.unmerge_persons(bigint, text, text, text) to {{members}};

-- Ends the record of a child who was adopted: it stays what it is, for those who see the restricted family, and is from now on matched,
-- looked up and merged with nobody. The child is put on record as anybody new, in the family that they belong to now. Answered with the
-- rule that is not met, and null where it is done.
create or replace function fsp.record_adoption(asked bigint, whom bigint, day date, because text, by_subject text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA' and not l.emergency;
  if org is null or whom is null or by_subject is null or not fsp.sees(asked, whom) then
    raise insufficient_privilege using message = 'No such person.';
  end if;
  perform from fsp.person p where p.id = whom for no key update;
  if not exists (select from fsp.family_restriction r where r.family = asked and r.controller = org and r.organisation is null
      and r.cause = 'ADOPTION' and r.until is null) then return 'ADOPTION_RESTRICTION'; end if;
  if exists (select from fsp.same_persons(array[whom]) s where s.same <> whom) then return 'MERGED'; end if;
  insert into fsp.adoption (person, family, ordered_on, reason, recorded_by) values (whom, asked, day, because, by_subject)
    on conflict do nothing;
  if not found then return 'ADOPTION_ONCE'; end if;
  delete from fsp.match_candidate c where c.subject_table <> 'family_name' and whom in (c.row_key, c.other);
  delete from fsp.person_merge m where m.confirmed_at is null and whom in (m.survivor, m.merged);
  perform fsp.rebuild_grants(array(select m.family from fsp.membership m where m.person = whom), array[whom]);
  return null;
end
$$;
revoke all on function fsp.record_adoption(bigint, bigint, date, text, text) from public;
grant execute on function fsp.record_adoption(bigint, bigint, date, text, text) to {{members}};
