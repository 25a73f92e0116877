-- Extracts for those who evaluate the model. No login writes the tables, and what an extract is made of is told to a county's login alone,
-- which sees all of it anyway; whom it may be about the database decides, not who asks.

-- Persons of whom nothing goes into an extract: whoever belongs, or belonged, to a family that is there for named users alone, or of a
-- member whose whereabouts are protected; who is not born; who was adopted; whose data are restricted; who objects, until that is refused.
create or replace function fsp.left_out_of_extracts() returns setof bigint
language sql stable set search_path = pg_catalog, pg_temp
as $$
  with belongs as (
    select m.family, m.person from fsp.membership m
    union all select u.family, u.person from fsp.unborn_membership u
  ),
  closed as (
    select f.id as family from fsp.family f where f.restricted
    union select r.family from fsp.family_restriction r where r.until is null or r.until > now()
    union select b.family from fsp.same_persons(array(select w.person from fsp.whereabouts_protection w where w.until is null or w.until > now())) s
      join belongs b on b.person = s.same
  )
  select s.same from fsp.same_persons(array(
    select b.person from belongs b join closed c on c.family = b.family
    union select u.person from fsp.unborn_membership u
    union select a.person from fsp.adoption a
    union select p.person from fsp.processing_restriction p where p.lifted_on is null
    union select q.person from fsp.rights_request q where q.kind = 'OBJECTION' and q.outcome is distinct from 'REFUSED')) s
$$;
revoke all on function fsp.left_out_of_extracts() from public;

-- The county whose login asks; nobody else makes extracts. An emergency's login has what was opened, and nothing of this.
create or replace function fsp.extracting_county() returns integer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA' and not l.emergency;
  if org is null then raise insufficient_privilege using message = 'Extracts are the county''s to make.'; end if;
  return org;
end
$$;
revoke all on function fsp.extracting_county() from public;

-- What an extract is made of: of each child who entered in the period, in the order of their keys, so many after one, and for so many days
-- from the entry on. Of the record's rows those of the family in which the child entered; of what is kept from anybody, of offences and of health nothing.
create or replace function fsp.extract_facts(entered_from date, entered_until date, days integer, after bigint, most integer) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.extracting_county();
begin
  return (
    with began as (
      select e.family, e.person, e.referred_on as day from fsp.episode e
        where not e.no_further_action and e.referred_on between entered_from and entered_until
      union all
      select p.family, p.person, p.started from fsp.plan p where p.started between entered_from and entered_until
      union all
      select l.family, l.person, l.looked_after_since from fsp.placement l where l.looked_after_since between entered_from and entered_until
    ),
    entered as (
      select distinct on (w.one) w.one as person, b.family, b.day
      from began b
      -- A person of several ids is one child, under the first of them.
      cross join lateral (select coalesce((select least(b.person, min(s.other)) from fsp.person_same s where s.person = b.person), b.person) as one) w
      order by w.one, b.day, b.family
    ),
    f as (
      select n.person, n.family, n.day, n.day + days as until, i.date_of_birth as born, i.sex,
        n.person || array(select s.other from fsp.person_same s where s.person = n.person) as ids
      from entered n
      join fsp.family h on h.id = n.family and h.controller = org
      join fsp.person_identity i on i.person = n.person and i.date_of_birth <= n.day and i.date_of_birth + interval '18 years' > n.day
      where n.person > after and not exists (select from fsp.left_out_of_extracts() x (person) where x.person = n.person)
      order by n.person limit most
    )
    select coalesce(jsonb_agg(jsonb_build_object(
      'person', f.person, 'family', f.family, 'born', f.born, 'sex', f.sex, 'entered', f.day, 'until', f.until,
      'ethnicGroup', {{dimension:ETHNICITY}},
      'disabled', {{dimension:DISABILITY}},
      'district', {{dimension:DISTRICT}},
      'knownBefore', exists (select from fsp.episode e where e.family = f.family and e.person = any (f.ids) and e.referred_on < f.day)
        or exists (select from fsp.plan p where p.family = f.family and p.person = any (f.ids) and p.started < f.day)
        or exists (select from fsp.placement l where l.family = f.family and l.person = any (f.ids) and l.started_on < f.day),
      'concerns', (select coalesce(jsonb_agg(distinct c.concern), '[]') from fsp.assessment a
        join fsp.assessment_factor af on af.assessment = a.id and not af.withdrawn and af.kept_from = '{}'
        join fsp.factor_concern c on c.factor = af.code and c.variant = 'ANY_IN_HOUSEHOLD' and c.valid_from <= a.authorised_on
          and (c.valid_to is null or c.valid_to > a.authorised_on)
        where a.family = f.family and (a.person is null or a.person = any (f.ids)) and a.cancelled_on is null
          and a.authorised_on >= f.day and a.authorised_on < f.until),
      'spells', (select coalesce(jsonb_agg(jsonb_build_object('status', s.status, 'from', s.starts, 'until', s.ends)), '[]') from (
          select case p.kind when 'CHILD_IN_NEED' then 'IN_NEED' when 'CHILD_PROTECTION' then 'ON_PLAN' end, p.started, p.ended
            from fsp.plan p where p.family = f.family and p.person = any (f.ids)
          union all select 'PRE_PROCEEDINGS', p.started_on, p.ended_on from fsp.pre_proceedings p where p.family = f.family and p.person = any (f.ids)
          union all select 'IN_CARE', l.started_on, l.ended_on from fsp.placement l where l.family = f.family and l.person = any (f.ids)
        ) s (status, starts, ends) where s.status is not null and s.starts < f.until and (s.ends is null or s.ends > f.day)),
      'events', (select coalesce(jsonb_agg(jsonb_build_object('event', v.event, 'on', v.day) order by v.day), '[]') from (
          select 'REFERRAL', e.referred_on from fsp.episode e where e.family = f.family and e.person = any (f.ids)
          union all select 'STEP_' || t.direction, t.stepped_on from fsp.step_event t where t.family = f.family and t.person = any (f.ids)
        ) v (event, day) where v.day >= f.day and v.day < f.until)
    ) order by f.person), '[]') from f);
end
$$;
revoke all on function fsp.extract_facts(date, date, integer, bigint, integer) from public;
grant execute on function fsp.extract_facts(date, date, integer, bigint, integer) to "{{db}}_agency_la";

-- Files an extract with what the check found; `fill_extract` gives it its rows in the same transaction, and nobody afterwards.
create or replace function fsp.file_extract(recipient integer, purpose text, entered_from date, entered_until date, as_at date, days integer, report jsonb,
  by_name text, by_user text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.extracting_county();
  made bigint;
begin
  if not exists (select from fsp.organisation o where o.id = file_extract.recipient and o.agency = 'EVALUATOR') then
    raise check_violation using message = 'An extract is for an evaluator.';
  end if;
  insert into fsp.extract (controller, recipient, purpose, entered_from, entered_until, as_at, follow_up_days, status, prepared_by, prepared_user, k,
      children, smallest_group, unique_children, generalised, withheld_children, least_variety, passed)
    select org, file_extract.recipient, file_extract.purpose, file_extract.entered_from, file_extract.entered_until, file_extract.as_at, days,
      'PREPARED', by_name, by_user, r.k, r.children, r."smallestGroup", r."unique", r.generalised, r."withheldRows", r."leastVariety", r.passed
    from jsonb_to_record(report) as r (k integer, children integer, "smallestGroup" integer, "unique" integer, generalised text[],
      "withheldRows" integer, "leastVariety" integer, passed boolean)
    returning id into made;
  return made;
end
$$;
revoke all on function fsp.file_extract(integer, text, date, date, date, integer, jsonb, text, text) from public;
grant execute on function fsp.file_extract(integer, text, date, date, date, integer, jsonb, text, text) to "{{db}}_agency_la";

create or replace function fsp.fill_extract(asked bigint, lines jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.extracting_county();
begin
  if not exists (select from fsp.extract e where e.id = asked and e.controller = org and e.status = 'PREPARED'
      and e.prepared_at = now()::timestamptz(3)) then
    raise insufficient_privilege using message = 'Nothing is added to an extract that stands.';
  end if;
  insert into fsp.extract_row (extract, {{extract_columns}})
    select asked, {{extract_columns}} from jsonb_populate_recordset(null::fsp.extract_row,
      -- By the names of the API, in the order given.
      (select jsonb_agg((select jsonb_object_agg(lower(regexp_replace(v.key, '([A-Z])', '_\1', 'g')), v.value) from jsonb_each(l.line) v) order by l.n)
        from jsonb_array_elements(lines) with ordinality as l (line, n)));
end
$$;
revoke all on function fsp.fill_extract(bigint, jsonb) from public;
grant execute on function fsp.fill_extract(bigint, jsonb) to "{{db}}_agency_la";

-- What a recipient was given of each child by the extracts that were released to it, those taken back with them: they may have been read. By its
-- pseudonyms a recipient can lay extracts beside each other, so that children are alike only where they are alike in all of them.
create or replace function fsp.given_before(to_whom integer) returns table (child text, given text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.extracting_county();
begin
  return query select r.child, string_agg(jsonb_build_array(r.extract, {{extract_known}})::text, ',' order by r.extract)
    from fsp.extract_row r join fsp.extract e on e.id = r.extract
    where e.controller = org and e.recipient = to_whom and e.released_at is not null and r.kind = 'CHILD' group by r.child;
end
$$;
revoke all on function fsp.given_before(integer) from public;
grant execute on function fsp.given_before(integer) to "{{db}}_agency_la";

-- Lets the recipient read an extract. The database counts again: whoever made the rows, in none of them is a child whom too few are like.
-- Gives `{families, persons}`, whom it is of, or `{refused}`: why not.
create or replace function fsp.release_extract(asked bigint, by_name text, by_user text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.extracting_county();
  e fsp.extract;
  smallest bigint;
begin
  select x.* into e from fsp.extract x where x.id = asked and x.controller = org for update;
  if e.id is null or e.status <> 'PREPARED' then return jsonb_build_object('refused', 'EXTRACT_STATUS'); end if;
  -- Two at once for one recipient: the second finds what the first let out.
  perform pg_advisory_xact_lock(hashtext('fsp.release_extract'), e.recipient);
  if by_user is null or by_user = e.prepared_user then return jsonb_build_object('refused', 'EXTRACT_SECOND_PERSON'); end if;
  if exists (select from fsp.extract_row r join fsp.left_out_of_extracts() x (person) on x.person = r.person where r.extract = asked) then
    return jsonb_build_object('refused', 'EXTRACT_STALE');
  end if;
  -- Who is missing of an overlapping one would be told by it: alike are only those who are in both.
  if exists (select from fsp.extract x where x.recipient = e.recipient and x.id <> asked and x.released_at is not null
      and (x.entered_from, x.entered_until) <> (e.entered_from, e.entered_until)
      and x.entered_from <= e.entered_until and x.entered_until >= e.entered_from) then
    return jsonb_build_object('refused', 'EXTRACT_OVERLAP');
  end if;
  -- Two ids that were found since to be one person's are one.
  select min(g.n) into smallest from (select count(distinct coalesce((select least(r.person, min(s.other)) from fsp.person_same s where s.person = r.person), r.person)) as n from fsp.extract_row r left join fsp.given_before(e.recipient) b on b.child = r.child
    where r.extract = asked and r.kind = 'CHILD' group by b.given, {{extract_known}}) g;
  if not e.passed or coalesce(smallest, 0) < {{extract_k}} or exists (select from fsp.extract_row r where r.extract = asked
      and not exists (select from fsp.extract_row c where c.extract = asked and c.kind = 'CHILD' and c.child = r.child and c.person = r.person)) then
    return jsonb_build_object('refused', 'EXTRACT_CHECK');
  end if;
  update fsp.extract x set status = 'RELEASED', released_at = now(), released_by = by_name where x.id = asked;
  return (select jsonb_build_object('families', array_agg(distinct r.family), 'persons', array_agg(distinct r.person))
    from fsp.extract_row r where r.extract = asked);
end
$$;
revoke all on function fsp.release_extract(bigint, text, text) from public;
grant execute on function fsp.release_extract(bigint, text, text) to "{{db}}_agency_la";

-- Takes an extract back, released or not.
create or replace function fsp.withdraw_extract(asked bigint, why text, by_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org constant integer := fsp.extracting_county();
begin
  update fsp.extract x set status = 'WITHDRAWN', withdrawn_at = now(), withdrawn_by = by_name, withdrawn_for = why
    where x.id = asked and x.controller = org and x.status <> 'WITHDRAWN';
end
$$;
revoke all on function fsp.withdraw_extract(bigint, text, text) from public;
grant execute on function fsp.withdraw_extract(bigint, text, text) to "{{db}}_agency_la";
