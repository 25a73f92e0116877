-- The public directory. No login writes its tables: what a feed brings, or an organisation pushes in, is written by these functions
-- alone, and only into feeds of the asking organisation. The owner's job writes into every feed.
create or replace function fsp.may_publish(asked integer) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select session_user = '{{owner}}' or exists (
    select from fsp.service_feed f join fsp.login l on l.organisation = f.organisation
    where f.id = asked and l.name = session_user and f.enabled)
$$;
revoke all on function fsp.may_publish(integer) from public;

-- A text as a reader sees it, and whether a service, a term or a taxonomy must not be in a directory: the same in SQL as in
-- src/exchange/open-referral/guard.ts, of the same words (src/access/secret-places.ts), so that what is left out is not counted either.
create or replace function fsp.plain_text(written text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select regexp_replace(regexp_replace(regexp_replace(normalize(regexp_replace(regexp_replace(written collate "C",
    {{word:htmlSpace}}, ' ', 'gi'), {{word:htmlUnseen}}, '', 'gi'), nfkc),
    {{word:unseen}}, '', 'g'), {{word:dash}}, '-', 'g'), {{word:space}}, ' ', 'g')
$$;
revoke all on function fsp.plain_text(text) from public;

create or replace function fsp.is_secret_place(record jsonb) returns boolean
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
  -- No word goes from one text into the next.
  texts constant text := fsp.plain_text((select string_agg(t #>> '{}', '|') from jsonb_path_query(record, 'strict $.** ? (@.type() == "string")') t));
  names constant text := fsp.plain_text((select string_agg(n #>> '{}', '|') from (
    select record -> 'name' union all select record -> 'alternate_name'
    union all select jsonb_path_query(record, '$.attributes[*].taxonomy_term.name')) as called (n) where jsonb_typeof(n) = 'string'));
begin
  if names collate "C" ~* {{word:refuge}} then return true; end if;
  if exists (select from jsonb_path_query(record, 'strict $.** ? (@.type() == "object")') o cross join jsonb_each(o) m
    where m.key collate "C" ~* {{word:flag}} and m.value not in ('false', 'null', '0')
      and (jsonb_typeof(m.value) <> 'string' or (m.value #>> '{}') collate "C" !~* {{word:no}})) then return true; end if;
  if not coalesce(texts collate "C" ~* {{word:refuge}} or texts collate "C" ~* {{word:secret}}, false) then return false; end if;
  return texts collate "C" ~* {{word:postcode}} or exists (
    select from jsonb_path_query(record, '$.service_at_locations[*].location') l
    where jsonb_typeof(l) = 'object' and (jsonb_typeof(l -> 'addresses') = 'array' and l -> 'addresses' <> '[]'
      or jsonb_typeof(l -> 'latitude') = 'number' or l ? 'external_identifier' or l -> 'location_type' is distinct from '"virtual"'));
end $$;
revoke all on function fsp.is_secret_place(jsonb) from public;

create or replace function fsp.note_secret_place() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  new.secret := fsp.is_secret_place(new.document);
  return new;
end $$;
revoke all on function fsp.note_secret_place() from public;

-- What is called a refuge is not in the directory at all, whoever writes it.
create or replace function fsp.refuse_refuge() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if fsp.is_secret_place(jsonb_build_object('name', new.name)) then
    raise check_violation using message = 'service_is_no_refuge', constraint = 'service_is_no_refuge';
  end if;
  return new;
end $$;
revoke all on function fsp.refuse_refuge() from public;

do $$
declare
  written text;
begin
  foreach written in array array['service_document', 'directory_term', 'directory_taxonomy'] loop
    execute format('create or replace trigger secret_place before insert or update on fsp.%I for each row execute function fsp.note_secret_place()', written);
  end loop;
  create or replace trigger service_is_no_refuge before insert or update of name on fsp.service for each row execute function fsp.refuse_refuge();
end
$$;

-- Registers a feed of the asking organisation, or changes its address; as the owner of the organisation named. Null: the code, or
-- the address, is another's, or the feed has been switched off, which the owner alone undoes.
create or replace function fsp.register_service_feed(asked_code text, asked_organisation integer, asked_district text, asked_url text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer := asked_organisation;
  found_id integer;
begin
  if session_user <> '{{owner}}' then
    select l.organisation into strict org from fsp.login l where l.name = session_user;
  end if;
  if exists (select from fsp.service_feed f where f.url = asked_url and f.code <> asked_code) then return null; end if;
  insert into fsp.service_feed as f (code, organisation, district, url, by_operator)
  values (asked_code, org, asked_district, asked_url, session_user = '{{owner}}')
  on conflict (code) do update set url = excluded.url, district = excluded.district, enabled = true,
      by_operator = excluded.by_operator or (f.by_operator and f.url is not distinct from excluded.url)
    where f.organisation = excluded.organisation and (f.enabled or session_user = '{{owner}}')
  returning f.id into found_id;
  return found_id;
end $$;
revoke all on function fsp.register_service_feed(text, integer, text, text) from public;
grant execute on function fsp.register_service_feed(text, integer, text, text) to {{members}};

-- Begins a run of a feed. Runs of one feed wait for each other.
create or replace function fsp.begin_service_run(asked integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  made bigint;
begin
  if not fsp.may_publish(asked) then raise exception 'not a feed of this organisation' using errcode = '42501'; end if;
  perform from fsp.service_feed f where f.id = asked for update;
  insert into fsp.service_run (feed) values (asked) returning id into made;
  return made;
end $$;
revoke all on function fsp.begin_service_run(integer) from public;
grant execute on function fsp.begin_service_run(integer) to {{members}};

-- A run's feed, where the asking organisation may write into it.
create or replace function fsp.feed_of_run(asked bigint) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found_feed integer;
begin
  select r.feed into found_feed from fsp.service_run r where r.id = asked and r.ended_at is null for update;
  if found_feed is null or not fsp.may_publish(found_feed) then raise exception 'not a run of this organisation' using errcode = '42501'; end if;
  return found_feed;
end $$;
revoke all on function fsp.feed_of_run(bigint) from public;

-- Writes one service of a run, and what hangs on it, as src/exchange/open-referral/rows.ts makes it.
-- Gives `created`, `updated` or `unchanged`.
create or replace function fsp.write_service(asked_run bigint, item jsonb) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  from_feed integer := fsp.feed_of_run(asked_run);
  feed fsp.service_feed;
  known fsp.service;
  given fsp.service;
  shown_as uuid := (item ->> 'publicId')::uuid;
  given_by uuid := (item -> 'provider' ->> 'id')::uuid;
  done text := 'updated';
begin
  select * into feed from fsp.service_feed f where f.id = from_feed;
  select * into known from fsp.service s where s.feed = from_feed and s.source_id = item ->> 'sourceId' for update;
  if known.id is not null and known.digest = item ->> 'digest' and known.retired_at is null then
    update fsp.service s set last_seen = now() where s.id = known.id;
    update fsp.service_run r set unchanged = r.unchanged + 1 where r.id = asked_run;
    return 'unchanged';
  end if;

  -- An id is whose it was first: who publishes it again does not take it over.
  if known.id is not null then shown_as := known.public_id;
  else
    if exists (select from fsp.service s where s.public_id = shown_as) then shown_as := (item ->> 'ownId')::uuid; end if;
    -- That one can be worked out, and be taken already.
    while exists (select from fsp.service s where s.public_id = shown_as) loop shown_as := gen_random_uuid(); end loop;
  end if;
  if given_by is not null then
    insert into fsp.service_provider as p (id, feed, source_id, name, description, website, email)
    select w.id, from_feed, w.source_id, w.name, w.description, w.website, w.email
    from jsonb_populate_record(null::fsp.service_provider, item -> 'provider') w
    on conflict (id) do update set name = excluded.name, description = excluded.description, website = excluded.website,
      email = excluded.email, last_seen = now() where p.feed = from_feed;
  end if;

  given := jsonb_populate_record(known, item -> 'row');
  if known.id is null then
    insert into fsp.service (code, name, description, organisation, district, kind, minimum_age, maximum_age, cost, data_class, active,
      public_id, feed, source_id, status, url, email, fees, alert, accreditations, free, discounted, provider, last_modified, last_seen, digest)
    values (feed.code || ':' || (item ->> 'sourceId'), given.name, given.description, feed.organisation, feed.district, given.kind,
      given.minimum_age, given.maximum_age, given.cost, given.data_class, given.active, shown_as, from_feed, item ->> 'sourceId', given.status,
      given.url, given.email, given.fees, given.alert, given.accreditations, given.free, given.discounted, given_by, given.last_modified,
      now(), item ->> 'digest')
    returning * into known;
    done := 'created';
  else
    update fsp.service s set (name, description, kind, minimum_age, maximum_age, cost, active, status, url, email, fees, alert,
      accreditations, free, discounted, provider, last_modified, last_seen, digest, retired_at, district, organisation, data_class)
      = row (given.name, given.description, given.kind, given.minimum_age, given.maximum_age, given.cost, given.active, given.status, given.url,
      given.email, given.fees, given.alert, given.accreditations, given.free, given.discounted, given_by, given.last_modified, now(),
      item ->> 'digest', null, feed.district, feed.organisation, given.data_class)
    where s.id = known.id;
  end if;

  insert into fsp.service_document as d (service, source, document)
  values (known.id, item -> 'source', jsonb_set(item -> 'document', '{id}', to_jsonb(shown_as)))
  on conflict (service) do update set source = excluded.source, document = excluded.document;

  delete from fsp.service_location c where c.service = known.id;
  insert into fsp.service_location (service, public_id, location, location_type, name, address, city, postcode, latitude, longitude, approximate, accessibility)
  select known.id, w.public_id, w.location, w.location_type, w.name, w.address, w.city, w.postcode, coalesce(w.latitude, a.latitude),
    coalesce(w.longitude, a.longitude), w.latitude is null and a.latitude is not null, w.accessibility
  from jsonb_populate_recordset(null::fsp.service_location, item -> 'locations') w
  left join fsp.postcode_area a on a.outward = fsp.outward_of(w.postcode);

  delete from fsp.service_schedule c where c.service = known.id;
  insert into fsp.service_schedule (service, valid_from, valid_to, starts, frequency, every, days, month_days, opens, closes, note)
  select known.id, w.valid_from, w.valid_to, w.starts, w.frequency, w.every, w.days, w.month_days, w.opens, w.closes, w.note
  from jsonb_populate_recordset(null::fsp.service_schedule, item -> 'schedules') w;

  delete from fsp.service_cost c where c.service = known.id;
  insert into fsp.service_cost (service, option, amount, description, valid_from, valid_to)
  select known.id, w.option, w.amount, w.description, w.valid_from, w.valid_to
  from jsonb_populate_recordset(null::fsp.service_cost, item -> 'costs') w;

  delete from fsp.service_area c where c.service = known.id;
  insert into fsp.service_area (service, name, extent, extent_type, uri)
  select known.id, w.name, w.extent, w.extent_type, w.uri from jsonb_populate_recordset(null::fsp.service_area, item -> 'areas') w;

  delete from fsp.service_contact c where c.service = known.id;
  insert into fsp.service_contact (service, name, title, email, phone)
  select known.id, w.name, w.title, w.email, w.phone from jsonb_populate_recordset(null::fsp.service_contact, item -> 'contacts') w;

  insert into fsp.directory_taxonomy as t (id, feed, name, document)
  select distinct on (w.id) w.id, from_feed, w.name, w.document from jsonb_populate_recordset(null::fsp.directory_taxonomy, item -> 'taxonomies') w
  order by w.id
  on conflict (id) do update set last_seen = now();
  insert into fsp.directory_term as t (id, feed, taxonomy, parent, name, description, uri, document)
  select distinct on (w.id) w.id, from_feed, w.taxonomy, w.parent, w.name, w.description, w.uri, w.document
  from jsonb_populate_recordset(null::fsp.directory_term, item -> 'terms') w
  order by w.id
  on conflict (id) do update set name = excluded.name, description = excluded.description, uri = excluded.uri, parent = excluded.parent,
    document = excluded.document, last_seen = now() where t.feed = from_feed;
  delete from fsp.service_term c where c.service = known.id;
  insert into fsp.service_term (service, term)
  select distinct known.id, (w ->> 'id')::uuid from jsonb_array_elements(item -> 'terms') w;

  if done = 'created' then update fsp.service_run r set created = r.created + 1 where r.id = asked_run;
  else update fsp.service_run r set updated = r.updated + 1 where r.id = asked_run;
  end if;
  return done;
end $$;
revoke all on function fsp.write_service(bigint, jsonb) from public;
grant execute on function fsp.write_service(bigint, jsonb) to {{members}};

-- The same, from a text; `unwritable` where the database does not take it: what is wrong with one service is not the others' trouble.
create or replace function fsp.try_write_service(asked_run bigint, item text) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  return fsp.write_service(asked_run, item::jsonb);
exception when others then
  -- Data that is none, that breaks a rule, or that is too much.
  if left(sqlstate, 2) in ('22', '23', '54') then return 'unwritable'; end if;
  raise;
end $$;
revoke all on function fsp.try_write_service(bigint, text) from public;
grant execute on function fsp.try_write_service(bigint, text) to {{members}};

-- What is to be said of services of a run; `failed` counts those of them that did not come in.
create or replace function fsp.note_service_lines(asked_run bigint, lines jsonb, failed_services integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform fsp.feed_of_run(asked_run);
  insert into fsp.service_run_line (run, line, source_id, result, path, rule, message)
  select asked_run, w.line, w.source_id, w.result, w.path, w.rule, w.message
  from jsonb_populate_recordset(null::fsp.service_run_line, lines) with ordinality w
  order by w.ordinality;
  update fsp.service_run r set failed = r.failed + failed_services where r.id = asked_run;
end $$;
revoke all on function fsp.note_service_lines(bigint, jsonb, integer) from public;
grant execute on function fsp.note_service_lines(bigint, jsonb, integer) to {{members}};

-- A service that is still in its feed although it could not be read anew, or was faulty: it is not retired for that.
create or replace function fsp.keep_services(asked_run bigint, source_ids text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  from_feed integer := fsp.feed_of_run(asked_run);
begin
  update fsp.service s set last_seen = now() where s.feed = from_feed and s.source_id = any (source_ids) and s.retired_at is null;
end $$;
revoke all on function fsp.keep_services(bigint, text[]) from public;
grant execute on function fsp.keep_services(bigint, text[]) to {{members}};

-- Takes services of a run's feed out of the directory: those named; gives how many went. Their rows stay, because offers point to
-- them, and of what they said of places nothing.
create or replace function fsp.retire_services(asked_run bigint, source_ids text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  from_feed integer := fsp.feed_of_run(asked_run);
  gone integer[];
begin
  with went as (update fsp.service s set retired_at = now(), active = false
    where s.feed = from_feed and s.source_id = any (source_ids) and s.retired_at is null returning s.id)
  select coalesce(array_agg(id), '{}') into gone from went;
  delete from fsp.service_location c where c.service = any (gone);
  delete from fsp.service_contact c where c.service = any (gone);
  delete from fsp.service_schedule c where c.service = any (gone);
  delete from fsp.service_area c where c.service = any (gone);
  update fsp.service s set description = null, url = null, email = null, alert = null, digest = null where s.id = any (gone);
  update fsp.service_document d set source = null, document = jsonb_build_object('id', s.public_id, 'name', s.name, 'status', 'defunct')
  from fsp.service s where s.id = d.service and s.id = any (gone);
  update fsp.service_run r set retired = r.retired + cardinality(gone) where r.id = asked_run;
  return cardinality(gone);
end $$;
revoke all on function fsp.retire_services(bigint, text[]) from public;
grant execute on function fsp.retire_services(bigint, text[]) to {{members}};

-- Ends a run. Where everything was seen, what was not seen is retired; where that would be more than half of what there is, and of
-- more than ten, the feed is rather broken than emptied, and nothing is.
create or replace function fsp.end_service_run(asked_run bigint, whole boolean, why text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  from_feed integer := fsp.feed_of_run(asked_run);
  began timestamptz;
  all_there integer;
  vanished text[];
begin
  select r.started_at into began from fsp.service_run r where r.id = asked_run;
  if whole then
    select count(*), coalesce(array_agg(s.source_id) filter (where coalesce(s.last_seen, '-infinity') < began), '{}')
      into all_there, vanished from fsp.service s where s.feed = from_feed and s.retired_at is null;
    if all_there > 10 and cardinality(vanished) * 2 > all_there then
      whole := false;
      why := format('%s of %s services have gone from the feed: nothing was retired', cardinality(vanished), all_there);
    else
      perform fsp.retire_services(asked_run, vanished);
    end if;
  end if;
  update fsp.service_run r set ended_at = now(), complete = whole, fault = why where r.id = asked_run;
end $$;
revoke all on function fsp.end_service_run(bigint, boolean, text) from public;
grant execute on function fsp.end_service_run(bigint, boolean, text) to {{members}};

-- `OX16` of `ox16 5qd`, and of `OX16`.
create or replace function fsp.outward_of(postcode text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$ select upper(regexp_replace(regexp_replace(postcode, '[^A-Za-z0-9]', '', 'g'), '^(.{2,4})[0-9][A-Za-z]{2}$', '\1')) $$;

-- The point to measure from, latitude and longitude: what is said, or the middle of the postcode's area. Null: neither is known.
create or replace function fsp.point_of(near jsonb) returns double precision[]
language sql stable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select case
    when near ->> 'latitude' is not null and near ->> 'longitude' is not null
      then array[(near ->> 'latitude')::double precision, (near ->> 'longitude')::double precision]
    else (select array[a.latitude, a.longitude] from fsp.postcode_area a where a.outward = fsp.outward_of(near ->> 'postcode')) end
$$;

-- Metres between two points, along the great circle (haversine; the earth a ball of 6,371,008.8 m).
create or replace function fsp.metres(a_latitude double precision, a_longitude double precision, b_latitude double precision, b_longitude double precision)
returns double precision
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select 12742017.6 * asin(least(1, sqrt(
    sin(radians(b_latitude - a_latitude) / 2) ^ 2
    + cos(radians(a_latitude)) * cos(radians(b_latitude)) * sin(radians(b_longitude - a_longitude) / 2) ^ 2)))
$$;

-- Whether a schedule has its day: by RFC 5545 as far as the profile has it.
create or replace function fsp.on_day(s fsp.service_schedule, day date) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select coalesce(s.valid_from, '-infinity') <= day and coalesce(s.valid_to, 'infinity') >= day and coalesce(s.starts, '-infinity') <= day
    and (s.every = 1 or s.starts is null or s.frequency is distinct from 'WEEKLY'
      or ((date_trunc('week', day)::date - date_trunc('week', s.starts)::date) / 7) % s.every = 0)
    and case
      when cardinality(s.month_days) > 0 then extract(day from day)::integer = any (s.month_days)
      when cardinality(s.days) > 0 then s.days && array[
        (array['MO','TU','WE','TH','FR','SA','SU'])[extract(isodow from day)::integer],
        ((extract(day from day)::integer + 6) / 7)::text || (array['MO','TU','WE','TH','FR','SA','SU'])[extract(isodow from day)::integer],
        case when extract(month from day + 7) <> extract(month from day)
          then '-1' || (array['MO','TU','WE','TH','FR','SA','SU'])[extract(isodow from day)::integer] end]
      else s.frequency is not null or s.starts is null or s.starts = day end
$$;

-- Whether a schedule is open at a moment of local time. One that closes before it opens closes on the next day.
create or replace function fsp.open_at(s fsp.service_schedule, at timestamp) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select case
    when s.closes is not null and s.opens is not null and s.closes <= s.opens
      then (at::time >= s.opens and fsp.on_day(s, at::date)) or (at::time < s.closes and fsp.on_day(s, at::date - 1))
    else at::time >= coalesce(s.opens, '00:00') and at::time < coalesce(s.closes, '24:00') and fsp.on_day(s, at::date) end
$$;
grant execute on function fsp.outward_of(text), fsp.point_of(jsonb), fsp.on_day(fsp.service_schedule, date), fsp.open_at(fsp.service_schedule, timestamp),
  fsp.metres(double precision, double precision, double precision, double precision) to {{everyone}};
