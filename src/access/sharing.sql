-- What decides who sees a family: decisions, involvements, protections, restrictions, conflicts of interest, emergencies. No login
-- writes these tables; each function below asks whose family it is, and refuses what is hidden in the same words as what never was.

-- Whether the asking login has a grant on the family today, and on the person where one is named.
create or replace function fsp.sees(asked bigint, whom bigint default null) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.name = session_user and g.family = asked and g.starts <= now() and g.ends > now())
    and (whom is null or (exists (select from fsp.person_grant g join fsp.login l on l.id = g.login
      where l.name = session_user and g.person = whom and g.starts <= now() and g.ends > now())
      and exists (select from fsp.membership m where m.family = asked and m.person = whom
        union all select from fsp.unborn_membership u where u.family = asked and u.person = whom)))
$$;
revoke all on function fsp.sees(bigint, bigint) from public;

-- Whether an organisation has rows of its own of every one of these classes about a family, or about a person in it.
create or replace function fsp.holds(org integer, asked bigint, whom bigint, classes text[]) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  held record;
  wanted text;
  found boolean;
begin
  foreach wanted in array classes loop
    found := false;
    for held in select * from (values {{held_rows}}) as h (class, name, of_person) where h.class = wanted loop
      execute format('select exists (select from fsp.%I r where r.family = $1 and r.controller = $2 and ($3::bigint is null or %s))',
        held.name, case when held.of_person then 'r.person = $3' else 'false' end) into found using asked, org, whom;
      exit when found;
    end loop;
    if not found then return false; end if;
  end loop;
  return true;
end
$$;
revoke all on function fsp.holds(integer, bigint, bigint, text[]) from public;

-- The same of the asking organisation, of a family that it sees: what it learns is of its own rows.
create or replace function fsp.holds_own(asked bigint, whom bigint, classes text[]) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select fsp.sees(asked, whom)
    and fsp.holds((select l.organisation from fsp.login l where l.name = session_user), asked, whom, classes)
$$;
revoke all on function fsp.holds_own(bigint, bigint, text[]) from public;

-- Enters a decision. The county decides on what it keeps; on what others master they alone, of rows of their own.
create or replace function fsp.decide(asked bigint, whom bigint, classes text[], will text, in_bundle text, for_organisation integer,
  for_agency text, by_gateway text, would_harm text, was_told text, because text, by_subject text, by_name text, starts timestamptz,
  ends timestamptz, agreement text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  kind text;
  made bigint;
  wanted text;
  decides constant jsonb := {{decides}};
  bits constant jsonb := {{class_bits}};
  bundles constant jsonb := {{bundles}};
  bits_asked bigint := 0;
  stage_now text;
  marac_now boolean;
begin
  select o.id, o.agency into org, kind from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and not l.emergency;
  if org is null or not fsp.sees(asked, whom) then raise insufficient_privilege using message = 'No such family.'; end if;
  foreach wanted in array classes loop
    if not coalesce(decides -> wanted ? kind, false) then raise insufficient_privilege using message = 'Not this organisation''s to decide.'; end if;
    bits_asked := bits_asked | (1::bigint << (bits ->> wanted)::int);
  end loop;
  if kind = 'LA' and not exists (select from fsp.family f where f.id = asked and f.controller = org)
    or kind <> 'LA' and not fsp.holds(org, asked, whom, classes) then
    raise insufficient_privilege using message = 'Not this organisation''s to decide.';
  end if;
  if in_bundle is not null then
    -- The stage stands still until the decision is there: else it could be left in between, and a bundle would outlive its event.
    select s.stage, s.marac into stage_now, marac_now from fsp.family_stage s where s.family = asked for share;
    if not coalesce(bundles -> in_bundle -> 'stages' ? coalesce(stage_now, 'EARLY_HELP'), false)
        and not (coalesce((bundles -> in_bundle ->> 'marac')::boolean, false) and coalesce(marac_now, false)) then
      raise invalid_parameter_value using message = 'Not a decision.';
    end if;
  end if;
  if num_nonnulls(for_organisation, for_agency) <> 1 or will not in ('SHARE', 'WITHHOLD') or cardinality(classes) = 0
    or ends <= starts then raise invalid_parameter_value using message = 'Not a decision.'; end if;
  insert into fsp.sharing_decision (family, person, controller, worker, data_classes, mask, effect, bundle, organisation, agency, gateway,
      harm, told, reason, decided_by, "from", until, agreement_version)
    values (asked, whom, org, by_subject, classes, bits_asked, will, in_bundle, for_organisation, for_agency, by_gateway,
      would_harm, was_told, because, by_name, greatest(starts, now()), ends, agreement)
    returning id into made;
  return made;
end
$$;
revoke all on function fsp.decide(bigint, bigint, text[], text, text, integer, text, text, text, text, text, text, text, timestamptz,
  timestamptz, text) from public;

-- Ends an own decision now, and tells those who were shown data under it. Answers whether it stood.
create or replace function fsp.withdraw_decision(asked bigint, because text, by_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  ended fsp.sharing_decision;
begin
  update fsp.sharing_decision d set withdrawn_at = greatest(now(), d."from"), withdrawn_by = by_name, withdrawn_for = because
    from fsp.login l
    where l.name = session_user and not l.emergency and d.id = asked and d.controller = l.organisation and d.withdrawn_at is null
      and coalesce(d.until, 'infinity') > now() and (fsp.sees(d.family) or fsp.own_open(d.family))
    returning d.* into ended;
  if ended.id is null then return false; end if;
  if ended.effect = 'SHARE' then
    while fsp.index_disclosures() loop end loop;
    perform fsp.recall('DECISION_WITHDRAWN', 'SharingDecision', ended.id, ended.family, array(
      select distinct shown.organisation
        from unnest(ended.data_classes) given cross join lateral fsp.shown_to(ended.family, ended.person, given, ended."from") as shown (organisation)
        join fsp.organisation o on o.id = shown.organisation
        where o.id = ended.organisation or o.agency = ended.agency),
      'A decision to share was withdrawn: what you were shown under it is not yours to use any more.');
  end if;
  return true;
end
$$;
revoke all on function fsp.withdraw_decision(bigint, text, text) from public;

-- What is open for a family, whoever asks. Its stage follows from it, and decides for whom the family is there at all: somebody from whom
-- part of the record is closed would else take it away from everybody by what they do not see. For the county that keeps the record.
create or replace function fsp.keeps(asked bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select fsp.sees(asked) and exists (select from fsp.login l join fsp.family f on f.id = asked and f.controller = l.organisation
    where l.name = session_user and not l.emergency)
$$;
revoke all on function fsp.keeps(bigint) from public;

create or replace function fsp.open_facts(asked bigint) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.keeps(asked) then raise insufficient_privilege using message = 'No such family.'; end if;
  return jsonb_build_object(
    'plans', array(select p.kind from fsp.plan p where p.family = asked and p.status = 'OPEN'),
    'episodes', (select count(*) from fsp.episode e where e.family = asked and e.closed_on is null and not e.no_further_action),
    'assessments', (select count(*) from fsp.assessment a where a.family = asked and a.status = 'OPEN'),
    'strategyDiscussions', (select count(*) from fsp.strategy_discussion d where d.family = asked and d.decided_on is null),
    'sections47', (select count(*) from fsp.section47 s where s.family = asked and s.ended_on is null),
    'preProceedings', (select count(*) from fsp.pre_proceedings p where p.family = asked and p.ended_on is null),
    'placements', (select count(*) from fsp.placement p where p.family = asked and p.ended_on is null),
    'maracs', (select count(*) from fsp.marac m where m.family = asked and m.closed_on is null));
end
$$;
revoke all on function fsp.open_facts(bigint) from public;

create or replace function fsp.write_stage(asked bigint, to_stage text, with_marac boolean, at timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.keeps(asked) then raise insufficient_privilege using message = 'No such family.'; end if;
  insert into fsp.family_stage as s (family, controller, stage, marac, since)
    select f.id, f.controller, to_stage, with_marac, at from fsp.family f where f.id = asked
    on conflict (family) do update set stage = excluded.stage, marac = excluded.marac,
      since = case when s.stage = excluded.stage then s.since else excluded.since end
    where (s.stage, s.marac) is distinct from (excluded.stage, excluded.marac);
end
$$;
revoke all on function fsp.write_stage(bigint, text, boolean, timestamptz) from public;
grant execute on function fsp.open_facts(bigint), fsp.write_stage(bigint, text, boolean, timestamptz) to "{{db}}_agency_la";

-- A bundle ends with its event, and the police's part with the process: when the family is no longer at such a stage.
create or replace function fsp.follow_stage() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  bundles constant jsonb := {{bundles}};
begin
  update fsp.sharing_decision d set until = greatest(now(), d."from")
    where d.family = new.family and d.bundle is not null and d.withdrawn_at is null and coalesce(d.until, 'infinity') > now()
      and not (bundles -> d.bundle -> 'stages' ? new.stage) and not ((bundles -> d.bundle ->> 'marac')::boolean and new.marac);
  if not (array[new.stage] <@ array[{{at_risk}}]) and not new.marac then
    -- Also what was to begin later: of a process that is over.
    update fsp.involvement i set until = greatest(now(), i."from")
      from fsp.organisation o
      where o.id = i.organisation and o.agency = 'POLICE' and i.family = new.family and coalesce(i.until, 'infinity') > greatest(now(), i."from");
  end if;
  return null;
end
$$;
revoke all on function fsp.follow_stage() from public;
drop trigger if exists follow_stage on fsp.family_stage;
create trigger follow_stage after update on fsp.family_stage for each row
  when (old.stage is distinct from new.stage or old.marac is distinct from new.marac) execute function fsp.follow_stage();

-- Opens a family to an organisation: who works with it, with whom of it, and for how long. What kind of help a provider's name tells
-- of, the row asks for as well. The police are there for a process, and only while there is one.
create or replace function fsp.open_involvement(asked bigint, whom bigint, for_organisation integer, as_role text, with_name text,
  with_subject text, leads boolean, has_agreed boolean, starts timestamptz, ends timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  kind text;
  made bigint;
  tells bigint := 0;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA' and not l.emergency;
  select o.agency into kind from fsp.organisation o where o.id = for_organisation;
  if org is null or not fsp.sees(asked, whom) then raise insufficient_privilege using message = 'No such family.'; end if;
  -- Until the involvement is there the stage stands still: it would be ended with the process, and is not there to be ended.
  if kind = 'POLICE' then perform from fsp.family_stage s where s.family = asked for share; end if;
  if kind is null or kind = 'EVALUATOR'
    or kind = 'POLICE' and not exists (select from fsp.family_stage s where s.family = asked and (s.stage in ({{at_risk}}) or s.marac)) then
    raise insufficient_privilege using message = 'Not to be involved.';
  end if;
  if kind = 'PROVIDER' then
    select coalesce(bit_or(1::bigint << ({{class_bits}} ->> p.data_class)::int), 0) into tells
      from fsp.programme_provider q join fsp.programme p on p.id = q.programme
      where q.organisation = for_organisation and p.data_class <> 'INVOLVEMENT';
  end if;
  if leads then
    -- Who is named with somebody protected stays named with them.
    update fsp.involvement i set lead = false
      where i.family = asked and i.lead and i.worker is not null and coalesce(i.until, 'infinity') > now()
        and exists (select from fsp.same_persons(array[i.person]) one join fsp.whereabouts_protection w on w.person = one.same
          and w."from" <= now() and coalesce(w.until, 'infinity') > now());
    update fsp.involvement i set until = greatest(now(), i."from")
      where i.family = asked and i.lead and coalesce(i.until, 'infinity') > now();
  end if;
  insert into fsp.involvement (family, person, controller, worker, row_mask, organisation, role, practitioner, lead, agreed, "from", until)
    values (asked, whom, org, with_subject, tells, for_organisation, as_role, with_name, leads, has_agreed, greatest(starts, now()), ends)
    returning id into made;
  return made;
end
$$;
revoke all on function fsp.open_involvement(bigint, bigint, integer, text, text, text, boolean, boolean, timestamptz, timestamptz) from public;

-- Answers whose family it was; null where the asker has none such that would last longer. What it opened to a service whose name tells
-- of health it may not read afterwards, and ends all the same.
create or replace function fsp.end_involvement(asked bigint, ends timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  of_family bigint;
begin
  update fsp.involvement i set until = greatest(ends, now(), i."from")
    from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and not l.emergency and o.agency = 'LA' and i.id = asked and i.controller = o.id
      and coalesce(i.until, 'infinity') > greatest(ends, now()) and fsp.sees(i.family)
    returning i.family into of_family;
  return of_family;
end
$$;
revoke all on function fsp.end_involvement(bigint, timestamptz) from public;

-- In which month an organisation last met the family, without what was said: all that some may know of its work. Every involvement has
-- its row, met or not: that there is none would tell as well.
create or replace function fsp.begin_contact() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into fsp.involvement_contact (involvement, family, person, controller, row_mask, organisation)
    values (new.id, new.family, new.person, new.controller, new.row_mask, new.organisation) on conflict (involvement) do nothing;
  return null;
end
$$;
revoke all on function fsp.begin_contact() from public;
drop trigger if exists begin_contact on fsp.involvement;
create trigger begin_contact after insert on fsp.involvement for each row execute function fsp.begin_contact();

create or replace function fsp.note_contact() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  met date := date_trunc('month', ((to_jsonb(new) ->> tg_argv[0])::timestamptz) at time zone 'Europe/London')::date;
begin
  update fsp.involvement_contact c set month = met
    from fsp.involvement i
    where c.involvement = i.id and i.family = new.family and i.organisation = new.controller and coalesce(c.month, '-infinity') < met
      and i."from" < met + interval '1 month' and (i.until is null or i.until >= met);
  return null;
end
$$;
revoke all on function fsp.note_contact() from public;
do $$
declare
  met record;
begin
  for met in select * from (values ('workbook_entry', 'occurred_at'), ('intervention_session', 'held_on'), ('visit', 'visited_on')) as m (name, at) loop
    execute format('drop trigger if exists note_contact on fsp.%I', met.name);
    execute format('create trigger note_contact after insert on fsp.%I for each row execute function fsp.note_contact(%L)', met.name, met.at);
  end loop;
end
$$;

-- Protects, and no longer protects, where a member of the family is. Somebody of the county is named with that person: whoever asked,
-- where nobody is yet. Else the record would be lost to everyone. Of who is protected already, to protect them again opens nothing.
create or replace function fsp.protect_whereabouts(asked bigint, whom bigint, by_subject text, by_name text, because text, ends timestamptz)
  returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  made bigint;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA' and not l.emergency;
  if org is null or whom is null or not fsp.sees(asked, whom) then raise insufficient_privilege using message = 'No such person.'; end if;
  if not exists (select from fsp.involvement i where i.person = whom and i.organisation = org and i.worker is not null
      and i."from" <= now() and coalesce(i.until, 'infinity') > now())
    and not exists (select from fsp.same_persons(array[whom]) one join fsp.whereabouts_protection w on w.person = one.same
      where w."from" <= now() and coalesce(w.until, 'infinity') > now()) then
    if by_subject is null then raise insufficient_privilege using message = 'Nobody is named.'; end if;
    insert into fsp.involvement (family, person, controller, worker, organisation, role, practitioner, "from")
      values (asked, whom, org, by_subject, org, 'named-practitioner', by_name, now());
  end if;
  insert into fsp.whereabouts_protection (family, person, controller, worker, reason, "from", until)
    values (asked, whom, org, by_subject, because, now(), ends) returning id into made;
  return made;
end
$$;
revoke all on function fsp.protect_whereabouts(bigint, bigint, text, text, text, timestamptz) from public;

create or replace function fsp.end_protection(asked bigint, because text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update fsp.whereabouts_protection w set until = now(), ended_for = because
    from fsp.login l
    where l.name = session_user and not l.emergency and w.id = asked and w.controller = l.organisation
      and coalesce(w.until, 'infinity') > now() and fsp.sees(w.family, w.person);
  return found;
end
$$;
revoke all on function fsp.end_protection(bigint, text) from public;

-- Restricts a family to named users, of which there must be two, one of them on the out-of-hours rota; reviewed every 90 days.
create or replace function fsp.restrict_family(asked bigint, for_organisation integer, why text, because text, by_subject text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  made bigint;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    join fsp.family f on f.id = asked and f.controller = o.id
    where l.name = session_user and o.agency = 'LA' and not l.emergency;
  if org is null or not fsp.sees(asked) then raise insufficient_privilege using message = 'No such family.'; end if;
  if not exists (select from fsp.sealed_user s where s.organisation = coalesce(for_organisation, org)
      having count(*) >= 2 and bool_or(s.on_rota)) then
    return null;
  end if;
  insert into fsp.family_restriction (family, controller, worker, organisation, cause, reason, "from")
    values (asked, org, by_subject, for_organisation, why, because, now()) returning id into made;
  if for_organisation is null then update fsp.family f set restricted = true where f.id = asked and not f.restricted; end if;
  return made;
end
$$;
revoke all on function fsp.restrict_family(bigint, integer, text, text, text) from public;

create or replace function fsp.lift_restriction(asked bigint, because text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  lifted fsp.family_restriction;
begin
  update fsp.family_restriction r set until = now(), lifted_for = because
    from fsp.login l
    where l.name = session_user and not l.emergency and r.id = asked and r.controller = l.organisation and r.until is null
      and fsp.sees(r.family)
    returning r.* into lifted;
  if lifted.id is null then return false; end if;
  if lifted.organisation is null and not exists (select from fsp.family_restriction r
      where r.family = lifted.family and r.organisation is null and r.until is null) then
    update fsp.family f set restricted = false where f.id = lifted.family;
  end if;
  return true;
end
$$;
revoke all on function fsp.lift_restriction(bigint, text) from public;

-- A user of the organisation's own must not see a family. Whoever says so need not see it any more than the user.
create or replace function fsp.record_conflict(asked bigint, of_subject text, because text, ends timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  made bigint;
begin
  select l.organisation into org from fsp.login l where l.name = session_user and not l.emergency;
  if org is null or not fsp.sees(asked) or not exists (select from fsp.app_user u where u.organisation = org and u.subject = of_subject) then
    raise insufficient_privilege using message = 'No such family.';
  end if;
  insert into fsp.conflict_of_interest (family, controller, subject, reason, "from", until)
    values (asked, org, of_subject, because, now(), ends) returning id into made;
  return made;
end
$$;
revoke all on function fsp.record_conflict(bigint, text, text, timestamptz) from public;

create or replace function fsp.has_user(asked text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select exists (select from fsp.app_user u join fsp.login l on l.organisation = u.organisation where l.name = session_user and u.subject = asked) $$;
revoke all on function fsp.has_user(text) from public;

create or replace function fsp.end_conflict(asked bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update fsp.conflict_of_interest c set until = now()
    from fsp.login l
    where l.name = session_user and not l.emergency and c.id = asked and c.controller = l.organisation
      and coalesce(c.until, 'infinity') > now() and fsp.sees(c.family);
  return found;
end
$$;
revoke all on function fsp.end_conflict(bigint) from public;

-- Opens a family in an emergency, to the organisation's emergency login. A restricted family is none: the answer is that of an id that
-- never was. Null where there is no such family.
create or replace function fsp.open_emergency(asked bigint, of_reference text, classes text[], by_subject text, code text, because text,
  minutes integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  kind text;
  opened bigint;
  made bigint;
  bits constant jsonb := {{class_bits}};
begin
  select o.id, o.agency into org, kind from fsp.login l join fsp.organisation o on o.id = l.organisation where l.name = session_user;
  if org is null or kind = 'EVALUATOR' or by_subject is null or minutes not between 1 and 240 or cardinality(classes) = 0 then
    raise insufficient_privilege using message = 'Not an emergency.';
  end if;
  select f.id into opened from fsp.family f
    where f.id = coalesce(asked, (select n.family from fsp.family_name n where n.reference = of_reference order by n.family limit 1))
      and not fsp.is_restricted(f.id, org)
      and not exists (select from fsp.conflict_of_interest c where c.family = f.id and c.subject = by_subject and coalesce(c.until, 'infinity') > now());
  if opened is null then return null; end if;
  insert into fsp.emergency_access (family, controller, worker, data_classes, mask, reason_code, reason, "from", until)
    values (opened, org, by_subject, classes, (select bit_or(1::bigint << (bits ->> c)::int) from unnest(classes) c), code, because, now(),
      now() + make_interval(mins => minutes))
    returning id into made;
  -- Told at once: who leads the work with the family.
  insert into fsp.task (family, controller, worker, assigned, subject_type, subject_id, due_on, kind, title)
    select opened, f.controller, i.worker, i.organisation, 'EmergencyAccess', made, (now() at time zone 'Europe/London')::date,
      'emergency-access', 'Somebody opened this family in an emergency.'
    from fsp.family f join fsp.involvement i on i.family = f.id and i.lead and i."from" <= now() and coalesce(i.until, 'infinity') > now()
    where f.id = opened
    order by i.id limit 1;
  return made;
end
$$;
revoke all on function fsp.open_emergency(bigint, text, text[], text, text, text, integer) from public;

-- A second person's word on an emergency: of the organisation that opened it, or of the county whose family it is.
create or replace function fsp.review_emergency(asked bigint, by_subject text, by_name text, code text, words text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update fsp.emergency_access e set reviewed_at = now(), reviewed_by = by_name, finding = code, findings = words
    from fsp.login l, fsp.family f
    where l.name = session_user and not l.emergency and e.id = asked and f.id = e.family
      and l.organisation in (e.controller, f.controller) and by_subject is not null and e.worker <> by_subject and e.reviewed_at is null
      and (fsp.sees(e.family) or fsp.own_open(e.family));
  return found;
end
$$;
revoke all on function fsp.review_emergency(bigint, text, text, text, text) from public;

grant execute on function
  fsp.holds_own(bigint, bigint, text[]),
  fsp.decide(bigint, bigint, text[], text, text, integer, text, text, text, text, text, text, text, timestamptz, timestamptz, text),
  fsp.withdraw_decision(bigint, text, text),
  fsp.open_involvement(bigint, bigint, integer, text, text, text, boolean, boolean, timestamptz, timestamptz),
  fsp.end_involvement(bigint, timestamptz),
  fsp.protect_whereabouts(bigint, bigint, text, text, text, timestamptz), fsp.end_protection(bigint, text),
  fsp.restrict_family(bigint, integer, text, text, text), fsp.lift_restriction(bigint, text),
  fsp.record_conflict(bigint, text, text, timestamptz), fsp.has_user(text), fsp.end_conflict(bigint),
  fsp.open_emergency(bigint, text, text[], text, text, text, integer), fsp.review_emergency(bigint, text, text, text, text)
  to {{members}};
