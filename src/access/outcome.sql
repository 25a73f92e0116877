-- What agencies report for the outcome framework. No login writes the tables: a batch is taken in whole by `fsp.record_observations`, or, with
-- what is wrong with each of its lines, not at all.

-- The months of which an indicator is to be counted anew, whoever wrote what was observed, or took it away.
create or replace function fsp.note_observed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  insert into fsp.figure_dirty (indicator, month) select distinct t.indicator, date_trunc('month', t.starts)::date from touched t;
  return null;
end
$$;
revoke all on function fsp.note_observed() from public;

do $$
declare
  of text;
begin
  foreach of in array array['observation', 'observation_area'] loop
    execute format('drop trigger if exists observed_insert on fsp.%I', of);
    execute format('create trigger observed_insert after insert on fsp.%I referencing new table as touched for each statement execute function fsp.note_observed()', of);
    execute format('drop trigger if exists observed_update on fsp.%I', of);
    execute format('create trigger observed_update after update on fsp.%I referencing new table as touched for each statement execute function fsp.note_observed()', of);
    execute format('drop trigger if exists observed_delete on fsp.%I', of);
    execute format('create trigger observed_delete after delete on fsp.%I referencing old table as touched for each statement execute function fsp.note_observed()', of);
  end loop;
end
$$;

-- The first day of the period in which a day is: years begin in April. What it names is settled here and not by whoever calls it, and it costs
-- no call: its text becomes a part of the statement that asks.
create or replace function fsp.period_start(grain text, day date) returns date
language sql immutable parallel safe
return case grain when 'MONTH' then date_trunc('month', day)::date when 'QUARTER' then date_trunc('quarter', day)::date
  when 'YEAR' then (date_trunc('year', day - interval '3 months') + interval '3 months')::date end;

-- The first day after a period that begins on a day.
create or replace function fsp.period_end(grain text, starts date) returns date
language sql immutable parallel safe
return (starts + case grain when 'MONTH' then interval '1 month' when 'QUARTER' then interval '3 months' when 'YEAR' then interval '1 year' end)::date;
grant execute on function fsp.period_start(text, date), fsp.period_end(text, date) to {{everyone}};

-- Takes in what the asking organisation observed: `lines`, each `{indicator, family, person, area, from, to, count, base, persons, reason, ref}`,
-- with keys for family and person and texts for numbers. `asked_on` is today, as the API has it.
--
-- Gives `{run}`, or `{faults: [{line, path, code, rule, message}]}` and then nothing is written. A family that the asker has no grant on reads
-- as one that never was.
create or replace function fsp.record_observations(lines jsonb, by_user text, asked_on date) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  of_agency text;
  asking bigint;
  faults jsonb;
  sound jsonb;
  made bigint;
  today constant date := least(asked_on, current_date);
begin
  select o.id, o.agency, l.id into org, of_agency, asking
    from fsp.login l join fsp.organisation o on o.id = l.organisation where l.name = session_user and not l.emergency;
  if org is null then raise insufficient_privilege using message = 'Nobody reports anything with this login.'; end if;
  -- Batches of one organisation wait for each other: the second finds what the first wrote.
  perform pg_advisory_xact_lock(hashtext('observations'), org);

  with given as (
    select a.n - 1 as line, w.indicator as code, w.family, w.person, w.area, w."from" as starts, w."to" as ends, w.persons, w.reason, w.ref,
      w.count as count_text, w.base as base_text,
      case when w.count ~ '^-?[0-9]{1,9}([.][0-9]{1,4})?$' then w.count::numeric end as count,
      case when w.base ~ '^-?[0-9]{1,9}([.][0-9]{1,4})?$' then w.base::numeric end as base,
      i.id as indicator, i.kind, i.derived, i.owner_agency, i.observed_by, i.grain, i.data_class
    from jsonb_array_elements(lines) with ordinality as a (line, n)
    cross join lateral jsonb_to_record(a.line) as w (indicator text, family bigint, person bigint, area text, "from" date, "to" date,
      count text, base text, persons integer, reason text, ref text)
    left join fsp.outcome_indicator i on i.code = w.indicator
  ),
  known as (
    select g.*, coalesce(o.id, a.id) as standing, coalesce(o.version, a.version, 0) as version,
      coalesce(o.id, a.id) is null or (coalesce(o.count, a.count), coalesce(o.base, a.base), a.persons)
        is distinct from (g.count, g.base, g.persons) as changed,
      g.indicator is not null and count(*) over (partition by g.indicator, g.starts, case when g.observed_by <> 'PERSON' or g.person is null then g.family end, g.person, g.area) > 1 as twice,
      g.family is null or exists (select from fsp.family_grant fg where fg.login = asking and fg.family = g.family
          and fg.starts <= now() and fg.ends > now() and not exists (select from fsp.user_rule r where r.login = asking and r.kind = 'barred'
            and r.family = g.family and r.person is null and r.starts <= now() and r.ends > now() and by_user = any (r.subjects))) as seen
    from given g
    left join fsp.observation o on o.indicator = g.indicator and o.starts = g.starts and o.family = g.family
      and coalesce(o.person, 0) = coalesce(g.person, 0) and o.controller = org and o.current and g.area is null
    left join fsp.observation_area a on a.indicator = g.indicator and a.starts = g.starts and a.area = g.area and a.organisation = org
      and a.current and g.family is null
  ),
  wrong as (
    select k.line, f.fault ->> 0 as path, f.fault ->> 1 as code, f.fault ->> 2 as rule, f.fault ->> 3 as message
    from known k
    cross join lateral unnest(array_remove(array[
      case when k.indicator is null then jsonb_build_array('indicator', 'NOT_FOUND', null, 'There is no such indicator for you.') end,
      case when k.derived then
        jsonb_build_array('indicator', 'RULE', 'OWNER', 'It is worked out from the record, and nobody reports it.') end,
      case when k.owner_agency <> of_agency then
        jsonb_build_array('indicator', 'RULE', 'OWNER', 'Its figures are for another agency to report.') end,
      case when k.indicator is not null and not exists (select from fsp.indicator_version v where v.indicator = k.indicator
          and v.valid_from <= k.starts and coalesce(v.valid_to, 'infinity') > k.starts) then
        jsonb_build_array('from', 'RULE', 'VALIDITY', 'The indicator has no definition for that day.') end,
      case when k.starts > k.ends then jsonb_build_array('to', 'RULE', 'PERIOD', 'The period ends before it begins.') end,
      case when k.starts <= k.ends and k.starts <> fsp.period_start(k.grain, k.starts) then
        jsonb_build_array('from', 'RULE', 'PERIOD', format('It is reported by the %s: from its first day to its last.', lower(k.grain))) end,
      case when k.starts = fsp.period_start(k.grain, k.starts) and k.starts <= k.ends and k.ends <> fsp.period_end(k.grain, k.starts) - 1 then
        jsonb_build_array('to', 'RULE', 'PERIOD', format('It is reported by the %s: from its first day to its last.', lower(k.grain))) end,
      case when k.ends >= today then jsonb_build_array('to', 'RULE', 'FUTURE', 'The period is not over yet.') end,
      case when k.twice then
        jsonb_build_array('from', 'RULE', 'OVERLAP', 'Another line of this batch is of the same, and of the same period.') end,
      case when k.observed_by = 'PERSON' and (k.family is null or k.person is null or k.area is not null) then
        jsonb_build_array('person', 'RULE', 'SUBJECT', 'It is observed of a person: name the family and the person.') end,
      case when k.observed_by = 'FAMILY' and (k.family is null or k.person is not null or k.area is not null) then
        jsonb_build_array('family', 'RULE', 'SUBJECT', 'It is observed of a family: name the family alone.') end,
      case when k.observed_by = 'AREA' and (k.area is null or k.family is not null or k.person is not null) then
        jsonb_build_array('area', 'RULE', 'SUBJECT', 'It is observed of an area: name the district alone.') end,
      case when k.area is not null and not exists (select from fsp.district d where d.code = k.area and d.valid_from <= k.starts::text
          and coalesce(d.valid_to, '9999') > k.starts::text) then
        jsonb_build_array('area', 'RULE', 'AREA', 'There is no district of that code on that day.') end,
      case when not k.seen then jsonb_build_array('family', 'NOT_FOUND', null, 'There is no such family for you.') end,
      case when k.person is not null and not (k.seen and exists (select from fsp.membership m join fsp.person_grant pg on pg.person = m.person
          where m.family = k.family and m.person = k.person and pg.login = asking and pg.starts <= now() and pg.ends > now()
            and not exists (select from fsp.user_rule r where r.login = asking and r.kind = 'barred' and r.person = k.person
              and r.starts <= now() and r.ends > now() and by_user = any (r.subjects)))) then
        jsonb_build_array('person', 'NOT_FOUND', null, 'There is no such member of this family for you.') end,
      case when k.count_text is not null and k.count is null then
        jsonb_build_array('count', 'INVALID', null, 'Must be a decimal of at most four places.') end,
      case when k.base_text is not null and k.base is null then
        jsonb_build_array('base', 'INVALID', null, 'Must be a decimal of at most four places.') end,
      case when k.count < 0 then jsonb_build_array('count', 'RULE', 'NEGATIVE', 'Nothing is counted below nought.') end,
      case when k.kind = 'COUNT' and k.count <> trunc(k.count) then
        jsonb_build_array('count', 'INVALID', null, 'Must be a whole number.') end,
      -- With numbers of any size a reporter could mark families, and read of a sum who is in it.
      case when k.observed_by <> 'AREA' and k.count > 1000 then
        jsonb_build_array('count', 'INVALID', null, 'Must be at most 1,000 of a family or a person.') end,
      case when k.observed_by <> 'AREA' and k.base > 1000 then
        jsonb_build_array('base', 'INVALID', null, 'Must be at most 1,000 of a family or a person.') end,
      case when k.persons > 10000000 then jsonb_build_array('persons', 'INVALID', null, 'Must be at most 10,000,000.') end,
      case when k.persons < 0 then jsonb_build_array('persons', 'RULE', 'NEGATIVE', 'Nothing is counted below nought.') end,
      case when k.base <= 0 then jsonb_build_array('base', 'RULE', 'BASE', 'It is counted of some, and not of nought.') end,
      case when k.kind = 'PROPORTION' and k.count > k.base then
        jsonb_build_array('count', 'RULE', 'BASE', 'A part is not more than the whole.') end,
      case when not k.derived and k.count is not null and k.base_text is null and (k.kind = 'PROPORTION' or k.kind = 'MEAN' and k.observed_by = 'AREA') then
        jsonb_build_array('base', 'RULE', 'BASE', 'Say of how many.') end,
      case when k.base_text is not null and not k.derived and not (k.kind = 'PROPORTION' or k.kind = 'MEAN' and k.observed_by = 'AREA') then
        jsonb_build_array('base', 'RULE', 'BASE', 'It is not counted of so many.') end,
      case when k.persons is not null and k.observed_by <> 'AREA' then
        jsonb_build_array('persons', 'RULE', 'SUBJECT', 'How many people are behind it is said of an area.') end,
      case when k.seen and k.count_text is null and k.standing is null then
        jsonb_build_array('count', 'RULE', 'REASON', 'There is nothing that could be taken back.') end,
      case when k.count_text is null and k.base_text is not null then
        jsonb_build_array('base', 'RULE', 'BASE', 'What is taken back has no base.') end,
      case when k.seen and k.standing is not null and k.changed and coalesce(btrim(k.reason), '') = '' then
        jsonb_build_array('correctionReason', 'RULE', 'REASON', 'It says otherwise than what stands: say why.') end,
      case when length(k.reason) > 500 then jsonb_build_array('correctionReason', 'INVALID', null, 'Must have at most 500 characters.') end,
      case when length(k.ref) > 100 then jsonb_build_array('sourceRef', 'INVALID', null, 'Must have at most 100 characters.') end
    ], null)) as f (fault)
  )
  select (select jsonb_agg(jsonb_build_object('line', w.line, 'path', w.path, 'code', w.code, 'rule', w.rule, 'message', w.message)
      order by w.line, w.path, w.message) from wrong w),
    (select jsonb_agg(to_jsonb(k)) from known k)
    into faults, sound;
  if faults is not null then return jsonb_build_object('faults', faults); end if;

  insert into fsp.observation_run (organisation, lines, created, corrected, unchanged)
    select org, count(*), count(*) filter (where k.standing is null), count(*) filter (where k.standing is not null and k.changed),
      count(*) filter (where not k.changed)
    from jsonb_to_recordset(sound) as k (standing bigint, changed boolean)
    returning id into made;
  update fsp.observation o set current = false
    from jsonb_to_recordset(sound) as k (standing bigint, changed boolean, area text)
    where o.id = k.standing and k.changed and k.area is null;
  insert into fsp.observation (run, indicator, family, person, controller, worker, row_mask, starts, count, base, source_ref, version,
      supersedes, correction_reason)
    select made, k.indicator, k.family, k.person, org, by_user, 1::bigint << ({{class_bits}} ->> k.data_class)::integer, k.starts, k.count,
      k.base, k.ref, k.version + 1, k.standing, case when k.standing is not null then k.reason end
    from jsonb_to_recordset(sound) as k (line integer, indicator integer, family bigint, person bigint, area text, data_class text, starts date,
      count numeric, base numeric, ref text, version integer, standing bigint, reason text, changed boolean)
    where k.changed and k.area is null order by k.line;
  update fsp.observation_area a set current = false
    from jsonb_to_recordset(sound) as k (standing bigint, changed boolean, area text)
    where a.id = k.standing and k.changed and k.area is not null;
  insert into fsp.observation_area (run, indicator, organisation, area, persons, starts, count, base, source_ref, version, supersedes, correction_reason)
    select made, k.indicator, org, k.area, k.persons, k.starts, k.count, k.base, k.ref, k.version + 1, k.standing,
      case when k.standing is not null then k.reason end
    from jsonb_to_recordset(sound) as k (line integer, indicator integer, area text, persons integer, starts date, count numeric, base numeric,
      ref text, version integer, standing bigint, reason text, changed boolean)
    where k.changed and k.area is not null order by k.line;
  return jsonb_build_object('run', made);
end
$$;
revoke all on function fsp.record_observations(jsonb, text, date) from public;
grant execute on function fsp.record_observations(jsonb, text, date) to {{members}};

-- Sets a target of an indicator, or adjusts one: the county alone. Null: another stands for a part of these days.
create or replace function fsp.set_target(of_indicator integer, of_area text, starts date, ends date, value numeric, why text, adjusted bigint, by_user text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  made bigint;
begin
  if not exists (select from fsp.login l join fsp.organisation o on o.id = l.organisation
      where l.name = session_user and o.agency = 'LA' and not l.emergency) then
    raise insufficient_privilege using message = 'Targets are the county''s to set.';
  end if;
  if adjusted is not null and not exists (select from fsp.indicator_target t where t.id = adjusted and t.adjusts is null
      and t.indicator = of_indicator and t.area is not distinct from of_area and t.starts <= set_target.starts and t.ends >= set_target.ends) then
    raise check_violation using message = 'It adjusts no target of these days.';
  end if;
  if value = 'NaN' or abs(value) > 10000000 then raise check_violation using message = 'A target is a number of at most 10,000,000.'; end if;
  insert into fsp.indicator_target (indicator, area, starts, ends, value, reason, adjusts, set_by)
    values (of_indicator, of_area, set_target.starts, set_target.ends, set_target.value, why, adjusted, by_user) returning id into made;
  return made;
exception when exclusion_violation then
  return null;
end
$$;
revoke all on function fsp.set_target(integer, text, date, date, numeric, text, bigint, text) from public;
grant execute on function fsp.set_target(integer, text, date, date, numeric, text, bigint, text) to {{members}};
