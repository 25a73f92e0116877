-- Housing sought without a name. Of whom a need is stands in `housing_origin`, which is the county's alone; what a council reads of the
-- need itself has no key, no time and no word by which it could be put beside a family. Its key is drawn, not counted.

-- Whether the asking login may see the county's side of a need: that of a restricted family is the sealed login's. To a council, and of a
-- need that never was, it says yes: whose rows these are is asked beside it.
create or replace function fsp.housing_open(asked bigint) returns boolean
language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select l.sealed or not exists (select from fsp.housing_origin o join fsp.family f on f.id = o.family
      where o.need = asked and o.controller = l.organisation and f.restricted)
    from fsp.login l where l.name = session_user), false)
$$;

revoke all on function fsp.housing_open(bigint) from public;
grant execute on function fsp.housing_open(bigint) to {{members}};

-- Of which family a need is, for who asked and sees it: what closes the family to a user closes its needs as well.
create or replace function fsp.housing_families(asked bigint) returns table (family bigint)
language sql stable rows 1 security definer set search_path = pg_catalog, pg_temp
as $$
  select o.family from fsp.housing_origin o
  where o.need = asked and o.controller = (select l.organisation from fsp.login l where l.name = session_user) and fsp.sees(o.family)
$$;
revoke all on function fsp.housing_families(bigint) from public;
grant execute on function fsp.housing_families(bigint) to {{members}};

-- The make-up of every household of today, or of those in a district.
create or replace function fsp.households_in(of_district text)
  returns table (household bigint, outward text, district text, adults integer, aged_0_4 integer, aged_5_10 integer, aged_11_15 integer, aged_16_17 integer)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select h.id, fsp.outward_of(h.postcode), h.district,
    (count(*) filter (where coalesce(a.years, 18) >= 18))::integer, (count(*) filter (where a.years < 5))::integer,
    (count(*) filter (where a.years between 5 and 10))::integer, (count(*) filter (where a.years between 11 and 15))::integer,
    (count(*) filter (where a.years between 16 and 17))::integer
  from fsp.household h
  join fsp.household_member m on m.household = h.id and coalesce(m.until, 'infinity') > current_date
  left join fsp.person_identity i on i.person = m.person
  cross join lateral (select extract(year from age(current_date, i.date_of_birth))::integer as years) a
  where coalesce(h.until, 'infinity') > current_date and (of_district is null or h.district = of_district)
  group by h.id
$$;
revoke all on function fsp.households_in(text) from public;

-- What may be said of a person's household without saying whose it is: the most that is said, in the very same words, of at least six
-- households known here (the Department for Education withholds counts of one to five). From the most to the least: ages in the postcode
-- area, ages in the district, heads in the district, heads in the county, nothing. A home of which more may be said is none of those of
-- which less is: what is left out would tell. Where somebody's whereabouts are protected no place is said at all, and heads in the county
-- only in the words of six who are not: heads without a place, of none but protected homes, would say that this is one.
-- Answered to a county that sees the family and the person; to others with nothing.
create or replace function fsp.housing_profile(asked bigint, whom bigint)
  returns table (adults integer, children integer, aged_0_4 integer, aged_5_10 integer, aged_11_15 integer, aged_16_17 integer, area text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  fewest constant integer := 6;
  home bigint;
begin
  if not exists (select from fsp.login l join fsp.organisation o on o.id = l.organisation
      where l.name = session_user and o.agency = 'LA' and not l.emergency) or not fsp.sees(asked, whom) then return; end if;
  select h.id into home from fsp.household h join fsp.household_member m on m.household = h.id
    where h.family = asked and m.person = whom and coalesce(m.until, 'infinity') > current_date and coalesce(h.until, 'infinity') > current_date
    order by h.id desc limit 1;
  if home is null then
    return query select null::integer, null::integer, null::integer, null::integer, null::integer, null::integer, null::text;
    return;
  end if;
  return query
    with hid as (
      select m.household from fsp.whereabouts_protection w
      join lateral fsp.same_persons(array[w.person]) one on true
      join fsp.household_member m on m.person = one.same
      where w."from" <= now() and coalesce(w.until, 'infinity') > now()
    ), h as (
      select x.*, x.aged_0_4 + x.aged_5_10 + x.aged_11_15 + x.aged_16_17 as children,
        x.household in (select hid.household from hid) as hidden
      from fsp.households_in(null) x
    ), a as (
      select h.*, not hidden and count(*) filter (where not hidden)
        over (partition by district, outward, adults, aged_0_4, aged_5_10, aged_11_15, aged_16_17) >= fewest as near
      from h
    ), b as (
      select a.*, not (hidden or near) and count(*) filter (where not (hidden or near))
        over (partition by district, adults, aged_0_4, aged_5_10, aged_11_15, aged_16_17) >= fewest as ages
      from a
    ), c as (
      select b.*, not (hidden or near or ages) and count(*) filter (where not (hidden or near or ages))
        over (partition by district, adults, children) >= fewest as heads
      from b
    ), d as (
      select c.*, not (near or ages or heads) and count(*) filter (where not (hidden or near or ages or heads))
        over (partition by adults, children) >= fewest as county
      from c
    )
    select case when near or ages or heads or county then d.adults end, case when near or ages or heads or county then d.children end,
      case when near or ages then d.aged_0_4 end, case when near or ages then d.aged_5_10 end,
      case when near or ages then d.aged_11_15 end, case when near or ages then d.aged_16_17 end,
      case when near then d.outward when ages or heads then d.district end
    from d where d.household = home;
end
$$;
revoke all on function fsp.housing_profile(bigint, bigint) from public;
grant execute on function fsp.housing_profile(bigint, bigint) to {{members}};

-- What an introduction opened ends with the need: whichever of the two says so.
create or replace function fsp.follow_housing() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  ended bigint;
begin
  if tg_table_name = 'housing_answer' then
    if new.status not in ('ENDED', 'WITHDRAWN') or old.status not in ('ACCEPTED', 'TAKEN_UP') then return null; end if;
    update fsp.housing_need n set status = 'ENDED', version = n.version + 1 where n.id = new.need and n.status = 'ACCEPTED';
    ended := new.need;
  else
    if new.status not in ('ENDED', 'WITHDRAWN') or old.status = new.status then return null; end if;
    update fsp.housing_answer a set status = 'ENDED', version = a.version + 1 where a.need = new.id and a.status in ('ACCEPTED', 'TAKEN_UP');
    ended := new.id;
  end if;
  update fsp.involvement i set until = greatest(now(), i."from")
    from fsp.housing_introduction k where k.need = ended and i.id = k.involvement and coalesce(i.until, 'infinity') > now();
  return null;
end
$$;
revoke all on function fsp.follow_housing() from public;
drop trigger if exists follow_housing on fsp.housing_need;
create trigger follow_housing after update of status on fsp.housing_need for each row execute function fsp.follow_housing();
drop trigger if exists follow_housing on fsp.housing_answer;
create trigger follow_housing after update of status on fsp.housing_answer for each row execute function fsp.follow_housing();

-- Whether the asking login may see the county's side of a referral under the duty to refer, and of which family it is: as of a need above.
create or replace function fsp.housing_referral_open(asked bigint) returns boolean
language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select l.sealed or not exists (select from fsp.housing_referral r join fsp.family f on f.id = r.about_family
      where r.id = asked and r.sender = l.organisation and f.restricted)
    from fsp.login l where l.name = session_user), false)
$$;
create or replace function fsp.housing_referral_families(asked bigint) returns table (family bigint)
language sql stable rows 1 security definer set search_path = pg_catalog, pg_temp
as $$
  select r.about_family from fsp.housing_referral r
  where r.id = asked and r.sender = (select l.organisation from fsp.login l where l.name = session_user) and fsp.sees(r.about_family)
$$;
-- Whether a referral to the asking login's organisation is not over yet.
create or replace function fsp.housing_referral_stands(asked bigint) returns boolean
language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
  select exists (select from fsp.housing_referral r join fsp.login l on l.organisation = r.addressee
    where r.id = asked and l.name = session_user and r.status not in ({{housing_referral_over}}))
$$;
revoke all on function fsp.housing_referral_open(bigint), fsp.housing_referral_families(bigint), fsp.housing_referral_stands(bigint) from public;
grant execute on function fsp.housing_referral_open(bigint), fsp.housing_referral_families(bigint), fsp.housing_referral_stands(bigint)
  to {{members}};

-- What a referral opened ends with it.
create or replace function fsp.follow_housing_referral() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if new.status in ({{housing_referral_over}}) and old.status is distinct from new.status then
    update fsp.involvement i set until = greatest(now(), i."from") where i.id = old.involvement and coalesce(i.until, 'infinity') > now();
  end if;
  return null;
end
$$;
revoke all on function fsp.follow_housing_referral() from public;
drop trigger if exists follow_housing_referral on fsp.housing_referral;
create trigger follow_housing_referral after update of status on fsp.housing_referral for each row execute function fsp.follow_housing_referral();
