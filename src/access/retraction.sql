-- Tells organisations that what they were shown no longer stands as it was: a row taken out, a decision withdrawn, a fact
-- disputed. Called by the functions that do such a thing, and by no login. Answers how many were told; whose it was is not.
-- Where somebody's whereabouts are protected, who is not named with them hears it from the county: which service has a record would
-- tell where they are.
create or replace function fsp.recall(of_kind text, of_entity text, entity_key bigint, about_family bigint, organisations integer[], told text)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  whose integer;
  sent integer;
  is_protected constant boolean := exists (
    select from fsp.same_persons(array(select m.person from fsp.membership m where m.family = about_family)) one
    join fsp.whereabouts_protection w on w.person = one.same and w."from" <= now() and coalesce(w.until, 'infinity') > now());
begin
  whose := coalesce((select l.organisation from fsp.login l where l.name = session_user),
    (select f.controller from fsp.family f where f.id = about_family));
  insert into fsp.recall_notice (addressee, origin, kind, entity, entity_id, about, words)
    select o.id,
      coalesce(case when is_protected and not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
          where l.organisation = o.id and g.family = about_family and g.starts <= now() and g.ends > now() and not g.guarded)
        then (select f.controller from fsp.family f where f.id = about_family) end, whose),
      of_kind, of_entity, entity_key, about_family, told
    from fsp.organisation o where o.id = any (organisations) and o.id <> whose order by o.id;
  get diagnostics sent = row_count;
  return sent;
end
$$;
revoke all on function fsp.recall(text, text, bigint, bigint, integer[], text) from public;

-- A notice about a restricted family is for its addressee's sealed login. Answered of own notices, and of no others.
create or replace function fsp.recall_open(asked bigint) returns boolean
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from fsp.recall_notice n join fsp.login l on l.organisation = n.addressee and l.name = session_user
    where n.id = asked and not l.emergency and (l.sealed or not fsp.is_restricted(n.about, n.addressee)));
end
$$;
revoke all on function fsp.recall_open(bigint) from public;
grant execute on function fsp.recall_open(bigint) to {{members}};

-- The addressee has read it and done what it asks; said once.
create or replace function fsp.acknowledge_recall(asked bigint, by_name text, by_user text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not fsp.recall_open(asked) then raise insufficient_privilege using message = 'No such row.'; end if;
  update fsp.recall_notice n set acknowledged_at = now(), acknowledged_by = by_name, worker = coalesce(n.worker, by_user), version = n.version + 1
    where n.id = asked and n.acknowledged_at is null;
  return found;
end
$$;
revoke all on function fsp.acknowledge_recall(bigint, text, text) from public;
grant execute on function fsp.acknowledge_recall(bigint, text, text) to {{members}};

-- A retraction is its organisation's, also when its work with the family has ended; of a restricted family its sealed login's.
create or replace function fsp.retraction_open(asked bigint) returns boolean
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from fsp.retraction r join fsp.login l on l.organisation = r.controller and l.name = session_user
    where r.id = asked and not l.emergency and (l.sealed or not fsp.is_restricted(r.family, r.controller)));
end
$$;
revoke all on function fsp.retraction_open(bigint) from public;
grant execute on function fsp.retraction_open(bigint) to {{members}};

-- Takes out a row and what is nothing without it, as `[{table, row}]`, the innermost first. What only names it names nothing
-- any longer: `[{table, key, column}]` says where. Clocks, tasks and evidence that are about a row go with it: a title or a
-- date tells of it.
create or replace function fsp.take_out(of_table text, own_key text, asked bigint) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  taken jsonb := '[]';
  belongs record;
  part record;
  of_type constant text := replace(initcap(replace(of_table, '_', ' ')), ' ', '');
  about record;
  self jsonb;
begin
  for belongs in
    select child.relname as name, col.attname as col, col.attnotnull as required, pk.attname as key
    from pg_constraint c
    join pg_class child on child.oid = c.conrelid
    cross join lateral unnest(c.conkey, c.confkey) with ordinality as pair (of_child, of_parent, nth)
    join pg_attribute col on col.attrelid = c.conrelid and col.attnum = pair.of_child
    join pg_attribute parent on parent.attrelid = c.confrelid and parent.attnum = pair.of_parent and parent.attname = own_key
    left join pg_index i on i.indrelid = c.conrelid and i.indisprimary and i.indnkeyatts = 1
    left join pg_attribute pk on pk.attrelid = c.conrelid and pk.attnum = i.indkey[0]
    where c.contype = 'f' and c.confrelid = to_regclass(format('fsp.%I', of_table))
    -- What has a second way to the row goes with its first one.
    order by col.attnotnull desc, child.relname
  loop
    if belongs.required and belongs.name = any (array[{{stand_alone}}]) then
      execute format('select true from fsp.%I where %I = $1 limit 1', belongs.name, belongs.col) into part using asked;
      if part is not null then raise exception using errcode = 'FS001', message = belongs.name; end if;
    elsif belongs.required then
      for part in execute format('select r.%I as key from fsp.%I r where r.%I = $1 order by 1', belongs.key, belongs.name, belongs.col) using asked loop
        taken := taken || fsp.take_out(belongs.name, belongs.key, part.key);
      end loop;
    else
      for part in execute format('update fsp.%2$I r set %3$I = null where r.%3$I = $1 returning r.%1$I as key', belongs.key, belongs.name, belongs.col) using asked loop
        taken := taken || jsonb_build_object('table', belongs.name, 'key', part.key, 'column', belongs.col);
      end loop;
    end if;
  end loop;
  for about in select * from (values {{about_rows}}) as a (name) loop
    for part in execute format('select r.id as key from fsp.%I r where r.subject_type = $1 and r.subject_id = $2 order by 1', about.name)
      using of_type, asked loop
      taken := taken || fsp.take_out(about.name, 'id', part.key);
    end loop;
  end loop;
  execute format('delete from fsp.%1$I r where r.%2$I = $1 returning to_jsonb(r)', of_table, own_key) into self using asked;
  if self is null then return taken; end if;
  return taken || jsonb_build_object('table', of_table, 'row', self);
end
$$;
revoke all on function fsp.take_out(text, text, bigint) from public;

-- Takes a row of the caller's own organisation out of the record, with everything that belongs to it, and tells those who, by the
-- disclosure record, were shown rows of its classes about its family since it was written, or whose own it was. Null where somebody has changed it meanwhile. What it was before a change (`fsp.earlier`) no login reads anyhow.
create or replace function fsp.retract(of_table text, asked bigint, expected integer, why text, explained text, by_name text, by_user text, told text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  was jsonb;
  taken jsonb;
  of_type constant text := replace(initcap(replace(of_table, '_', ' ')), ' ', '');
  class_of constant jsonb := {{table_classes}};
  own_of constant jsonb := {{own_columns}};
  shown integer[];
  made bigint;
begin
  select l.organisation into org from fsp.login l where l.name = session_user and not l.emergency;
  if org is null or not exists (select from unnest(array[{{retractable}}]) known where known = of_table) then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  execute format('select to_jsonb(r) from fsp.%I r where r.id = $1 and r.controller = $2 for update', of_table) into was using asked, org;
  if was is null or (was ->> 'family' is not null and not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.name = session_user and g.family = (was ->> 'family')::bigint and g.starts <= now() and g.ends > now())) then
    raise insufficient_privilege using message = 'No such row.';
  end if;
  if (was ->> 'version')::integer is distinct from expected then return null; end if;
  taken := fsp.take_out(of_table, 'id', asked);
  -- What was shown a moment ago is to be read as well.
  while fsp.index_disclosures() loop null; end loop;
  -- In which month the organisation last met the family: in that of what is left.
  with met as (
    select w.occurred_at as at from fsp.workbook_entry w where w.family = (was ->> 'family')::bigint and w.controller = org
    union all select v.visited_on::timestamptz from fsp.visit v where v.family = (was ->> 'family')::bigint and v.controller = org
    union all select s.held_on::timestamptz from fsp.intervention_session s where s.family = (was ->> 'family')::bigint and s.controller = org
  ),
  left_over as (
    select i.id as involvement, max(date_trunc('month', m.at at time zone 'Europe/London')::date) as month
    from fsp.involvement i
    left join met m on i."from" < date_trunc('month', m.at at time zone 'Europe/London') + interval '1 month'
      and (i.until is null or i.until >= date_trunc('month', m.at at time zone 'Europe/London'))
    where i.family = (was ->> 'family')::bigint and i.organisation = org and of_table in ('workbook_entry', 'visit')
    group by i.id
  )
  update fsp.involvement_contact c set month = l.month from left_over l
    where c.involvement = l.involvement and c.month is distinct from l.month;
  shown := array(
    select distinct o from (
      select fsp.shown_to((was ->> 'family')::bigint, null, of_class, coalesce((was ->> 'created_at')::timestamptz, '-infinity')) o
        from (select distinct class_of ->> (part ->> 'table') as of_class from jsonb_array_elements(taken) part where part ? 'row') told
        where was ->> 'family' is not null
      union all
      select (part -> 'row' ->> named)::integer
        from jsonb_array_elements(taken) part, jsonb_array_elements_text(own_of -> (part ->> 'table')) named where part ? 'row'
    ) those where o is not null and o <> org order by o);
  insert into fsp.retraction (controller, family, entity, entity_id, reason, explanation, by, subject, content, shown, persons)
    values (org, (was ->> 'family')::bigint, of_type, asked, why, explained, by_name, by_user, taken, shown,
      array(select distinct p from (
        select (part -> 'row' ->> 'person')::bigint p from jsonb_array_elements(taken) part where part -> 'row' ->> 'person' is not null) named order by p))
    returning id into made;
  perform fsp.recall('ENTRY_RETRACTED', of_type, asked, (was ->> 'family')::bigint, shown, told);
  return made;
end
$$;
revoke all on function fsp.retract(text, bigint, integer, text, text, text, text, text) from public;
grant execute on function fsp.retract(text, bigint, integer, text, text, text, text, text) to {{members}};
