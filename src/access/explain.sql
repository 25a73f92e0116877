-- What an explanation of another's access is worked out from: the grants of one login on one family, and whose they follow from. Whoever
-- asks works with the family today, and asks of its own organisation; the county that controls the family asks of everybody. Of any other
-- family, and of one that never was, there is nothing. Names of what was decided, never what stands in a record.
create or replace function fsp.may_explain(asked bigint, of_login bigint) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from fsp.login l
    join fsp.organisation o on o.id = l.organisation
    join fsp.family_grant g on g.login = l.id and g.family = asked and g.starts <= now() and g.ends > now()
    join fsp.login other on other.id = of_login
    where l.name = session_user
      and (other.organisation = o.id
        or (o.agency = 'LA' and exists (select from fsp.family f where f.id = asked and f.controller = o.id))));
end
$$;
revoke all on function fsp.may_explain(bigint, bigint) from public;

create or replace function fsp.explain_family_grant(asked bigint, of_login bigint) returns setof fsp.family_grant
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.may_explain(asked, of_login) then return; end if;
  return query select g.* from fsp.family_grant g where g.family = asked and g.login = of_login;
end
$$;

-- Of members whom the asking login sees itself, and of no others: an unborn child is not told of by another's grant.
create or replace function fsp.explain_person_grant(asked bigint, of_login bigint) returns setof fsp.person_grant
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.may_explain(asked, of_login) then return; end if;
  return query select g.* from fsp.person_grant g
    where g.login = of_login
      and g.person in (
        select m.person from fsp.membership m where m.family = asked
        union all select u.person from fsp.unborn_membership u where u.family = asked)
      and exists (select from fsp.person_grant mine where mine.login = fsp.current_login() and mine.person = g.person
        and mine.starts <= now() and mine.ends > now());
end
$$;

-- Where one user stands in a team, and with whom of the family they work.
create or replace function fsp.explain_team_member(asked bigint, of_login bigint, of_user text) returns setof fsp.team_member
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.may_explain(asked, of_login) then return; end if;
  return query select m.* from fsp.team_member m
    join fsp.organisation team on team.id = m.organisation
    join fsp.login l on l.organisation in (m.organisation, team.parent)
    where l.id = of_login and m.subject = of_user;
end
$$;

create or replace function fsp.explain_user_focus(asked bigint, of_login bigint, of_user text) returns setof fsp.user_focus
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.may_explain(asked, of_login) then return; end if;
  return query select u.* from fsp.user_focus u where u.family = asked and u.login = of_login and u.subject = of_user;
end
$$;

-- Of other users it tells nothing: a rule that names them is no rule for who is asked about.
create or replace function fsp.explain_user_rule(asked bigint, of_login bigint, of_user text) returns setof fsp.user_rule
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.may_explain(asked, of_login) then return; end if;
  return query select u.* from fsp.user_rule u
    where u.login = of_login and (u.kind = 'guarded' or u.subjects = '{}' or of_user = any (u.subjects))
      and (u.family = asked or u.person in (select m.person from fsp.membership m where m.family = asked));
end
$$;

-- The work with the family that a grant follows from. In which role is not said where that tells of health or abuse.
create or replace function fsp.explain_involvement(asked bigint, of_login bigint)
  returns table (person bigint, role text, agreed boolean, "from" timestamptz, until timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.may_explain(asked, of_login) then return; end if;
  return query select i.person, case when i.row_mask = 0 then i.role end, i.agreed, i."from"::timestamptz, i.until::timestamptz
    from fsp.involvement i join fsp.login l on l.organisation = i.organisation
    where i.family = asked and l.id = of_login
      and (i.person is null or exists (select from fsp.person_grant mine where mine.login = fsp.current_login() and mine.person = i.person
        and mine.starts <= now() and mine.ends > now()))
    order by i."from";
end
$$;

-- The class of its own that hides what stands beside a row from the county, to which the row itself, and all else of the table's class, is
-- there: the name of a programme, and never the programme. Whose row it is, it does not say.
create or replace function fsp.explain_row_mask(asked bigint, beside text, of_row bigint) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  side record;
  mask bigint;
begin
  select s.name, s.key, s.bit into side from (values {{row_class_sides}}) as s (name, key, bit) where s.name = beside;
  if side is null then return null; end if;
  execute format('select r.row_mask from fsp.%I r
      join fsp.login l on l.name = session_user
      join fsp.organisation o on o.id = l.organisation and o.agency = ''LA''
      join fsp.family f on f.id = r.family and f.controller = o.id
      join fsp.family_grant g on g.login = l.id and g.family = f.id and g.starts <= now() and g.ends > now()
      cross join lateral (select (to_jsonb(r) ->> ''person'')::bigint as person) about
      left join fsp.person_grant p on p.login = l.id and p.person = about.person and p.starts <= now() and p.ends > now() and p.needs = 0
    where r.family = $1 and r.%I = $2 and ((g.withheld | coalesce(p.withheld, 0)) & $3) = 0
      and (about.person is null or p.person is not null)', side.name, side.key)
    into mask using asked, of_row, side.bit;
  return mask;
end
$$;

-- Organisations of an agency that work with the family today, for who asks what that agency sees.
create or replace function fsp.explain_organisations(asked bigint, of_agency text) returns setof integer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return query select distinct l.organisation from fsp.family_grant g
    join fsp.login l on l.id = g.login join fsp.organisation o on o.id = l.organisation
    where g.family = asked and g.starts <= now() and g.ends > now() and o.agency = of_agency and fsp.may_explain(asked, l.id)
    order by 1;
end
$$;

revoke all on function fsp.explain_family_grant(bigint, bigint), fsp.explain_person_grant(bigint, bigint),
  fsp.explain_team_member(bigint, bigint, text), fsp.explain_user_focus(bigint, bigint, text), fsp.explain_user_rule(bigint, bigint, text),
  fsp.explain_involvement(bigint, bigint), fsp.explain_row_mask(bigint, text, bigint), fsp.explain_organisations(bigint, text) from public;
grant execute on function fsp.explain_family_grant(bigint, bigint), fsp.explain_person_grant(bigint, bigint),
  fsp.explain_team_member(bigint, bigint, text), fsp.explain_user_focus(bigint, bigint, text), fsp.explain_user_rule(bigint, bigint, text),
  fsp.explain_involvement(bigint, bigint), fsp.explain_row_mask(bigint, text, bigint), fsp.explain_organisations(bigint, text) to {{members}};
