-- The change feed: which rows were touched, whose rights changed, and what a reader was shown. It is asked by the gate's login, and
-- answers with types and keys alone: whether a reader sees a row today, and what stands in it, is read on the organisation's own login.

create or replace function fsp.union_of(one bigint[], other bigint[]) returns bigint[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
  select array(select distinct m from unnest(one || other) m order by m)
$$;

-- A row was written or is gone: whoever did it, and by whichever statement. A loader that defers its grants is followed by no feed.
create or replace function fsp.note_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  told jsonb[];
begin
  if current_setting('fsp.defer_grants', true) = 'on' and session_user = current_user then return null; end if;
  told := case tg_op when 'INSERT' then array[to_jsonb(new)] when 'DELETE' then array[to_jsonb(old)] else array[to_jsonb(new), to_jsonb(old)] end;
  insert into fsp.feed_change (type, key, family, masks)
    -- Of a row that moved to another family, that one: who was shown it before is told anyhow.
    select tg_argv[0], (t.r ->> tg_argv[1])::bigint, (array_agg((t.r ->> nullif(tg_argv[2], ''))::bigint order by t.n))[1],
      array_agg(distinct tg_argv[3]::bigint | coalesce((t.r ->> nullif(tg_argv[4], ''))::bigint, 0))
    from unnest(told) with ordinality t (r, n) where t.r ->> tg_argv[1] is not null group by 2
    on conflict (xid, login, type, key) do update
      set family = coalesce(excluded.family, feed_change.family), masks = fsp.union_of(feed_change.masks, excluded.masks)
      where excluded.family is not null and feed_change.family is distinct from excluded.family or not excluded.masks <@ feed_change.masks;
  return null;
end
$$;
revoke all on function fsp.note_change() from public;

-- What a command says that it wrote, also where it changed rows that only hang on it.
create or replace function fsp.note_command() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if new.entity = any (array[{{fed_types}}]) then
    insert into fsp.feed_change (type, key, family, masks)
      values (new.entity, new.entity_id, case when new.entity <> 'Person' then new.family end,
        array(select distinct coalesce(1::bigint << ({{class_bits}} ->> c)::integer, 0) from unnest(new.data_classes) c))
      on conflict (xid, login, type, key) do update set masks = fsp.union_of(feed_change.masks, excluded.masks)
      where not excluded.masks <@ feed_change.masks;
  end if;
  return null;
end
$$;
revoke all on function fsp.note_command() from public;

do $$
declare
  fed record;
begin
  for fed in select * from (values
      {{feedings}}) as f (name, type, key, family, classes, row_mask) loop
    execute format('drop trigger if exists feed_%2$s on fsp.%1$I', fed.name, lower(fed.type));
    execute format('create trigger feed_%2$s after insert or update or delete on fsp.%1$I for each row execute function fsp.note_change(%3$L, %4$L, %5$L, %6$L, %7$L)',
      fed.name, lower(fed.type), fed.type, fed.key, fed.family, fed.classes, fed.row_mask);
  end loop;
  drop trigger if exists feed on fsp.outbox;
  create trigger feed after insert on fsp.outbox for each row execute function fsp.note_command();
end
$$;

-- What each login may see of families and persons, as digests: grants that are written anew as they were change nothing. A `Users`
-- place holds what its users' rights follow from, which closes nothing to who asks without a user.
create or replace function fsp.grant_digests(families bigint[], persons bigint[]) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(d.place, d.digest), '{}') from (
    select concat_ws(' ', g.login, 'Family', g.family) as place,
      md5(string_agg(concat_ws('|', g.period, g.shared, g.withheld, g.purposes, coalesce(g.only_with::text, '-'), g.guarded), ';' order by g.starts)) as digest
    from fsp.family_grant g where g.family = any (families) group by g.login, g.family
    union all
    select concat_ws(' ', g.login, 'Person', g.person),
      md5(string_agg(concat_ws('|', g.period, g.shared, g.withheld, g.family_shared, g.family_withheld, g.needs, g.agreed, g.purposes, g.guarded), ';' order by g.starts))
    from fsp.person_grant g where g.person = any (persons) group by g.login, g.person
    union all
    select concat_ws(' ', r.login, case when r.person is null then 'Family' else 'Person' end, coalesce(r.person, r.family), 'guard'),
      md5(string_agg(distinct concat_ws('|', r.kind, r.family, r.about, r.starts, r.ends), ';'))
    from fsp.user_rule r
    where r.family = any (families) and (r.kind in ('guarded', 'adoption') or r.kind = 'named' and r.subjects = '{}')
    group by r.login, r.person, coalesce(r.person, r.family)
    union all
    select concat_ws(' ', u.login, 'Users', u.family, u.kind), md5(string_agg(u.told, ';' order by u.told)) from (
      select g.login, g.family, 'hands' as kind, concat_ws('|', g.period, coalesce(g.teams::text, '-'), coalesce(g.workers::text, '-')) as told
      from fsp.family_grant g where g.family = any (families) and (g.teams is not null or g.workers is not null)
      union all
      select f.login, f.family, 'focus', concat_ws('|', f.subject, f.starts, f.ends, f.only_with)
      from fsp.user_focus f where f.family = any (families)
      union all
      select r.login, r.family, 'rule', concat_ws('|', r.kind, r.about, r.mask, r.subjects, r.starts, r.ends)
      from fsp.user_rule r where r.family = any (families) and r.person is null and r.subjects <> '{}') u
    group by u.login, u.family, u.kind) d
$$;
revoke all on function fsp.grant_digests(bigint[], bigint[]) from public;

-- Whose rights changed: `changed` holds login, type, key and what of it. The rights of a login on a person are rights on what is about them in
-- their families, and in those that they have just left.
create or replace function fsp.tell_rights(changed jsonb, families bigint[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  with c as materialized (
    select distinct split_part(place, ' ', 1)::bigint as login, split_part(place, ' ', 2) as type, split_part(place, ' ', 3)::bigint as key
    from jsonb_array_elements_text(changed) place
  ),
  -- What is kept from somebody is kept from the same person under every id, in the families of each.
  same as materialized (
    select c.login, c.key, s.same from c
    join fsp.same_persons(array(select p.key from c p where p.type = 'Person')) s on s.person = c.key where c.type = 'Person'
  ),
  belongs as materialized (
    select s.login, s.key, m.family from same s join fsp.membership m on m.person = s.same
    union
    select s.login, s.key, u.family from same s join fsp.unborn_membership u on u.person = s.same
  )
  insert into fsp.feed_change (login, type, key, family)
    select c.login, c.type, c.key, c.key from c where c.type in ('Family', 'Users')
    union
    select b.login, 'Family', b.family, b.family from belongs b
    union
    select c.login, 'Family', f, f from c cross join unnest(families) f where c.type = 'Person'
    union
    -- What is told of a family tells of its members.
    select c.login, 'Person', c.key, null::bigint from c
      where c.type = 'Person' and not exists (select from belongs b where b.login = c.login and b.key = c.key)
    on conflict do nothing
$$;
revoke all on function fsp.tell_rights(jsonb, bigint[]) from public;

create or replace function fsp.note_rights(before jsonb, families bigint[], persons bigint[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  changed jsonb;
begin
  if current_setting('fsp.defer_grants', true) = 'on' and session_user = current_user then return; end if;
  select jsonb_agg(coalesce(a.key, b.key)) into changed
    from jsonb_each_text(fsp.grant_digests(families, persons)) a full join jsonb_each_text(before) b on a.key = b.key
    where a.value is distinct from b.value;
  if changed is null then return; end if;
  -- Of many families at once a loader makes none smaller.
  perform fsp.tell_rights(changed, case when cardinality(families) <= 10 then families else '{}' end);
end
$$;
revoke all on function fsp.note_rights(jsonb, bigint[], bigint[]) from public;

-- Rights that began or ended by the clock alone, since somebody last asked, are changes as well; and what is too old to go on from
-- is swept away. One at a time.
create or replace function fsp.feed_clock() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- Times are kept in milliseconds: rounded up, what ends within this one would be told neither now nor later.
  upto constant timestamptz := date_trunc('milliseconds', now());
  since timestamptz;
  turned jsonb;
  last_swept xid8;
begin
  perform pg_advisory_xact_lock(7246337004);
  insert into fsp.feed_state (id, until) values (1, upto) on conflict do nothing;
  select s.until into since from fsp.feed_state s where s.id = 1;
  if upto <= since then return; end if;
  select jsonb_agg(concat_ws(' ', t.login, t.type, t.key)) into turned from (
    select g.login, 'Family' as type, g.family as key from fsp.family_grant g where g.ends > since and g.ends <= upto
    union select g.login, 'Family', g.family from fsp.family_grant g where g.starts > since and g.starts <= upto
    union select g.login, 'Person', g.person from fsp.person_grant g where g.ends > since and g.ends <= upto
    union select g.login, 'Person', g.person from fsp.person_grant g where g.starts > since and g.starts <= upto
    union select r.login, 'Users', r.family from fsp.user_rule r where r.subjects <> '{}' and r.ends > since and r.ends <= upto
    union select r.login, 'Users', r.family from fsp.user_rule r where r.subjects <> '{}' and r.starts > since and r.starts <= upto) t;
  if turned is not null then perform fsp.tell_rights(turned, '{}'); end if;
  with old as (
    delete from fsp.feed_change c where c.id in (select o.id from fsp.feed_change o where o.at < now() - interval '90 days' order by o.xid, o.id limit 5000)
    returning c.xid
  )
  select o.xid into last_swept from old o order by o.xid desc limit 1;
  update fsp.feed_state s set until = upto, swept = coalesce(last_swept, s.swept) where s.id = 1;
end
$$;
revoke all on function fsp.feed_clock() from public;

-- A client as a reader; the first transaction that may still be under way; and up to where changes were swept away.
create or replace function fsp.feed_open(of_client text, of_purpose text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found_reader bigint;
begin
  select r.id into found_reader from fsp.feed_reader r where r.client = of_client and r.purpose = of_purpose;
  if found_reader is null then
    insert into fsp.feed_reader (client, purpose) values (of_client, of_purpose) on conflict do nothing;
    select r.id into found_reader from fsp.feed_reader r where r.client = of_client and r.purpose = of_purpose;
  end if;
  return jsonb_build_object('reader', found_reader, 'horizon', pg_snapshot_xmin(pg_current_snapshot())::text,
    'next', pg_snapshot_xmax(pg_current_snapshot())::text, 'swept', coalesce((select s.swept::text from fsp.feed_state s where s.id = 1), '0'));
end
$$;
revoke all on function fsp.feed_open(text, text) from public;

-- Every row of a family that the feed tells of.
create or replace function fsp.feed_rows(asked bigint, types text[]) returns table (type text, key bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select 'Family', f.id from fsp.family f where f.id = asked and 'Family' = any (types)
    union all {{fed_rows}}
$$;
revoke all on function fsp.feed_rows(bigint, text[]) from public;

create or replace function fsp.feed_members(asked bigint) returns table (person bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select m.person from fsp.membership m where m.family = asked union select u.person from fsp.unborn_membership u where u.family = asked
$$;
revoke all on function fsp.feed_members(bigint) from public;

-- What a login may see today, family by family, each person with the first family of theirs; each row with its place. `a`: it ends there
-- because it went through as many families as it may, of which there can be many that have nothing of these types.
create or replace function fsp.feed_families(of_login bigint, types text[], after_family bigint, after_type text, after_key bigint, most integer,
  most_families integer) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
  of_family bigint;
  last_family bigint;
  families integer := 0;
  part record;
  found jsonb[] := '{}';
begin
  for of_family in
    select distinct g.family from fsp.family_grant g
    where g.login = of_login and g.family >= after_family and g.starts <= now() and g.ends > now() order by 1 limit most_families
  loop
    families := families + 1;
    last_family := of_family;
    for part in select r.type, r.key from (
        select * from fsp.feed_rows(of_family, types)
        union all
        select 'Person', p.person from fsp.feed_members(of_family) p
          where 'Person' = any (types) and not exists (
            select from (select m.family from fsp.membership m where m.person = p.person
              union all select u.family from fsp.unborn_membership u where u.person = p.person) f
            join fsp.family_grant g on g.login = of_login and g.family = f.family and g.starts <= now() and g.ends > now()
            where f.family < of_family)) r
      where of_family > after_family or (r.type collate "C", r.key) > (after_type collate "C", after_key)
      order by r.type collate "C", r.key
    loop
      found := found || jsonb_build_object('a', of_family, 'f', of_family, 't', part.type, 'k', part.key);
      if cardinality(found) >= most then return jsonb_build_object('rows', to_jsonb(found)); end if;
    end loop;
  end loop;
  return jsonb_build_object('rows', to_jsonb(found), 'a', case when families = most_families then last_family + 1 end);
end
$$;
revoke all on function fsp.feed_families(bigint, text[], bigint, text, bigint, integer, integer) from public;

-- What a reader was shown before, was not shown since `before`, and did not know by `since` to be gone.
create or replace function fsp.feed_before(of_reader bigint, types text[], before xid8, since xid8, after_type text, after_key bigint, most integer)
returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('a', 0, 'f', s.family, 't', s.type, 'k', s.key, 'g', true) order by s.type collate "C", s.key), '[]') from (
    select s.family, s.type, s.key from fsp.feed_seen s
    where s.reader = of_reader and s.type = any (types) and s.shown < before and (s.gone is null or s.gone > since)
      and (s.type collate "C", s.key) > (after_type collate "C", after_key)
    order by s.type collate "C", s.key limit most) s
$$;
revoke all on function fsp.feed_before(bigint, text[], xid8, xid8, text, bigint, integer) from public;

-- What changed after a place: rows that a login may see today or its reader was shown before. Changes of transactions beyond the
-- oldest that is under way wait: what commits late would be passed over. `g`: to be told as gone where the reader does not see it. Once
-- it was, what becomes of the row is no longer told; when the reader's own rights change, it is.
create or replace function fsp.feed_log(of_login bigint, of_reader bigint, types text[], after_xid xid8, after_id bigint, after_type text,
  after_key bigint, most integer, open_types text[], open_classes bigint) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- Asked for before the changes are: what is older than this has ended by now, and is there.
  horizon constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
  scanned integer := 0;
  last_xid xid8;
  last_id bigint;
  change record;
  part record;
  found jsonb[] := '{}';
begin
  for change in
    select c.xid, c.id, c.at, c.login, c.type, c.key, c.family from fsp.feed_change c
    where (c.xid, c.id) >= (after_xid, after_id) and c.xid < horizon
      -- What is told of a row whose open parts stayed as they were would tell that something of a closed class was written.
      and (c.login = of_login or c.login = 0 and exists (select from unnest(c.masks) m where m & ~open_classes = 0))
    order by c.xid, c.id limit 5000
  loop
    scanned := scanned + 1;
    last_xid := change.xid;
    last_id := change.id;
    for part in
      select r.type, r.key, r.family, s.key is not null and (change.login <> 0 or s.gone is null or change.xid < s.gone) as gone
      from (
        select change.type as type, change.key as key, change.family as family
          where change.login = 0 or change.type = 'Person'
        union
        select r.type, r.key, change.key from fsp.feed_rows(change.key, types) r where change.login <> 0 and change.type = 'Family'
        union
        select 'Person', m.person, null::bigint from fsp.feed_members(change.key) m where change.login <> 0 and change.type = 'Family'
        union
        select s.type, s.key, s.family from fsp.feed_seen s
          where change.login <> 0 and change.type = 'Family' and s.reader = of_reader and s.family = change.key
      ) r
      left join fsp.feed_seen s on s.reader = of_reader and s.type = r.type and s.key = r.key
      where r.type = any (types)
        and ((change.xid, change.id) > (after_xid, after_id) or (r.type collate "C", r.key) > (after_type collate "C", after_key))
        -- Of a class that is closed to the reader's agency nothing is asked: what it takes up of a page would tell of it.
        and (s.key is not null or r.type = any (open_types) and
          case when r.type = 'Person'
            then exists (select from fsp.person_grant g where g.login = of_login and g.person = r.key and g.starts <= now() and g.ends > now())
            else exists (select from fsp.family_grant g where g.login = of_login and g.family = r.family and g.starts <= now() and g.ends > now()) end)
      order by r.type collate "C", r.key
    loop
      found := found || jsonb_build_object('x', change.xid::text, 'e', change.id, 'f', part.family, 't', part.type, 'k', part.key,
        'g', part.gone, 'at', to_char(change.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
      if cardinality(found) >= most then return jsonb_build_object('rows', to_jsonb(found), 'more', true); end if;
    end loop;
  end loop;
  if scanned = 5000 then
    return jsonb_build_object('rows', to_jsonb(found), 'more', true, 'x', last_xid::text, 'e', last_id + 1);
  end if;
  return jsonb_build_object('rows', to_jsonb(found), 'more', false, 'x', greatest(horizon, after_xid)::text, 'e', 0);
end
$$;
revoke all on function fsp.feed_log(bigint, bigint, text[], xid8, bigint, text, bigint, integer, text[], bigint) from public;

-- What a reader is shown now, and what it is told is gone: noted before the answer leaves. `horizon` and `next` are of before it was read
-- (`feed_open`): several read for one reader, each of its webhooks among them, and who notes late notes nothing over what was seen later.
create or replace function fsp.feed_noted(of_reader bigint, there_now jsonb, gone_now jsonb, horizon xid8, next xid8) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  insert into fsp.feed_seen as s (reader, type, key, family, shown)
    select distinct on (r.t, r.k) of_reader, r.t, r.k, r.f, horizon
    from jsonb_to_recordset(there_now) as r (t text, k bigint, f bigint) order by r.t, r.k
    on conflict (reader, type, key) do update set family = excluded.family, shown = greatest(s.shown, excluded.shown), noted = excluded.noted, gone = null;
  update fsp.feed_seen s set gone = pg_snapshot_xmax(pg_current_snapshot())
    from jsonb_to_recordset(gone_now) as r (t text, k bigint)
    -- That it was shown since stands: else what becomes of it would be told to nobody.
    where s.reader = of_reader and s.type = r.t and s.key = r.k and s.gone is null and s.noted < next;
$$;
revoke all on function fsp.feed_noted(bigint, jsonb, jsonb, xid8, xid8) from public;

grant execute on function fsp.feed_clock(), fsp.feed_open(text, text),
  fsp.feed_families(bigint, text[], bigint, text, bigint, integer, integer),
  fsp.feed_before(bigint, text[], xid8, xid8, text, bigint, integer),
  fsp.feed_log(bigint, bigint, text[], xid8, bigint, text, bigint, integer, text[], bigint), fsp.feed_noted(bigint, jsonb, jsonb, xid8, xid8)
  to "{{db}}_gate";
