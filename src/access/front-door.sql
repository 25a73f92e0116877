-- The front door. A row about a referral that is known to be about a restricted family is the county's sealed login's;
-- its sender sees no difference. Answered of referrals that the asking organisation sent or was sent: of one that is hidden it says what it
-- says of one that never was. One that is only now being written is not there to be found, and is this session's own.
create or replace function fsp.referral_open(asked bigint) returns boolean
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  behind_seal boolean;
begin
  select l.organisation, l.sealed into org, behind_seal from fsp.login l where l.name = session_user;
  return behind_seal or exists (select from fsp.referral r where r.id = asked and org in (r.sender, r.addressee)
      and not exists (select from fsp.contact c join fsp.family f on f.id = c.family
        where c.referral = asked and c.controller = org and f.restricted))
    or fsp.being_written('referral', asked);
end $$;

-- The same of a request for information. Whose contact it followed from is the asker's to know: the addressee's row does
-- not go when that contact is matched, which would tell.
create or replace function fsp.request_open(asked bigint) returns boolean
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  behind_seal boolean;
begin
  select l.organisation, l.sealed into org, behind_seal from fsp.login l where l.name = session_user;
  return behind_seal or exists (select from fsp.information_request r where r.id = asked and org in (r.sender, r.addressee)
      and not exists (select from fsp.information_request q
        left join fsp.contact c on c.id = q.contact and q.sender = org
        join fsp.family f on f.id in (q.about_family, c.family)
        where q.id = asked and f.restricted))
    or fsp.being_written('information_request', asked);
end $$;

-- Whether this session has just made the key for a row that is not there yet.
create or replace function fsp.being_written(of_table text, asked bigint) returns boolean
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
declare
  there boolean;
begin
  if currval(pg_get_serial_sequence('fsp.' || of_table, 'id')) is distinct from asked then return false; end if;
  execute format('select exists (select from fsp.%I r where r.id = $1)', of_table) into there using asked;
  return not there;
exception when object_not_in_prerequisite_state then
  return false;
end $$;
revoke all on function fsp.being_written(text, bigint) from public;

-- The families that a row between organisations has turned out to be about, of those that the asking login sees today: what closes
-- a family to a user closes these rows as well.
create or replace function fsp.referral_families(asked bigint) returns table (family bigint)
language sql stable rows 1 security definer set search_path = pg_catalog, pg_temp
as $$
  select c.family from fsp.contact c
  where c.referral = asked and c.controller = (select l.organisation from fsp.login l where l.name = session_user) and fsp.sees(c.family)
$$;
revoke all on function fsp.referral_families(bigint) from public;
create or replace function fsp.request_families(asked bigint) returns table (family bigint)
language sql stable rows 1 security definer set search_path = pg_catalog, pg_temp
as $$
  select about.family from fsp.login l
  join fsp.information_request r on r.id = asked and l.organisation in (r.sender, r.addressee)
  left join fsp.contact c on c.id = r.contact and r.sender = l.organisation
  cross join lateral (values (r.about_family), (c.family)) about (family)
  where l.name = session_user and fsp.sees(about.family)
$$;
revoke all on function fsp.request_families(bigint) from public;
grant execute on function fsp.referral_families(bigint), fsp.request_families(bigint) to {{members}};

-- Tells the named users of a restricted family, and nobody else, that something reached the county about it.
create or replace function fsp.alert_named_users(families bigint[], subject text, subject_key bigint, words text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  insert into fsp.task (family, controller, worker, assigned, subject_type, subject_id, due_on, kind, title)
  select f.id, f.controller, s.subject, f.controller, alert_named_users.subject, subject_key, (now() at time zone 'Europe/London')::date,
    'restricted-match', words
  from fsp.family f join fsp.sealed_user s on s.organisation = f.controller
  where f.id = any (families) and f.restricted
$$;
revoke all on function fsp.alert_named_users(bigint[], text, bigint, text) from public;

-- A child is named to the county: by a partner (`referral`) or at the front door (`contact`). Who named it sees nothing of
-- this; the front door itself sees the new row as any other until a named user says whose it is.
create or replace function fsp.alert_child_named() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  told jsonb := to_jsonb(new);
begin
  if told ->> 'family' is not null then return null; end if;
  perform fsp.alert_named_users(
    array(select f.id from fsp.family f
      join fsp.membership m on m.family = f.id
      join fsp.person_identity i on i.person = m.person
      where f.restricted and lower(i.given_name) = lower(new.given_name) and lower(i.family_name) = lower(new.family_name)
        and (new.date_of_birth is null or i.date_of_birth = new.date_of_birth)
        and not exists (select from fsp.adoption a where a.person = m.person)),
    initcap(tg_argv[0]), (told ->> tg_argv[0])::bigint, 'What reached the front door may be about this family.');
  return null;
end
$$;
revoke all on function fsp.alert_child_named() from public;

-- Answers a look-up as it is written. An identifier that is nobody's, that of a child without such a plan, and that of a
-- child of a restricted family are answered in the same words.
create or replace function fsp.answer_look_up() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  kind text;
  county fsp.organisation;
  who bigint[];
  known bigint[];
  open_to bigint[];
begin
  if session_user = current_user then return new; end if;
  select o.id, o.agency into org, kind from fsp.login l join fsp.organisation o on o.id = l.organisation where l.name = session_user;
  if not (case new.identifier when 'NHS_NUMBER' then kind in ('LA', 'HEALTH', 'POLICE') when 'UPN' then kind in ('LA', 'EDUCATION')
      else false end) then
    raise insufficient_privilege using message = 'Not an identifier of this organisation''s.';
  end if;
  select * into county from fsp.organisation o where o.agency = 'LA' order by o.id limit 1;
  -- A number may stand on two records of one child until somebody has put them together: a plan on either counts.
  -- The record of a child before an adoption is no record of who has the number now.
  who := array(
    select n.person from fsp.person_nhs_number n where new.identifier = 'NHS_NUMBER' and n.nhs_number = new.asked
      and not exists (select from fsp.adoption a where a.person = n.person)
    union all
    select u.person from fsp.person_upn u where new.identifier = 'UPN' and u.upn = new.asked
      and not exists (select from fsp.adoption a where a.person = u.person));
  known := array(select distinct m.family from fsp.membership m where m.person = any (who) and coalesce(m.until, 'infinity') > current_date);
  open_to := case when exists (select from fsp.family f where f.id = any (known) and f.restricted) then '{}' else known end;
  new.asked := null;
  new.child_protection_plan := exists (select from fsp.plan p
    where p.family = any (open_to) and p.person = any (who) and p.kind = 'CHILD_PROTECTION' and p.status = 'OPEN');
  new.looked_after := exists (select from fsp.plan p
      where p.family = any (open_to) and p.person = any (who) and p.kind = 'LOOKED_AFTER' and p.status = 'OPEN')
    or exists (select from fsp.placement p where p.family = any (open_to) and p.person = any (who) and p.ended_on is null);
  -- A plan for an unborn child shows by the mother's identifier, as in the national service, and by nobody else's.
  new.unborn_plan := exists (select from fsp.plan p
    join fsp.unborn_membership u on u.person = p.person and u.family = p.family
    join fsp.membership m on m.family = p.family and m.person = any (who) and m.role = 'mother'
    where p.family = any (open_to) and p.kind = 'CHILD_PROTECTION' and p.status = 'OPEN');
  new.ring := concat_ws(', ', 'Front door', county.name, county.phone);
  if new.child_protection_plan or new.looked_after or new.unborn_plan then
    new.ring := coalesce((select concat_ws(', ', i.practitioner, o.name, coalesce(o.phone, county.phone))
      from fsp.involvement i join fsp.organisation o on o.id = i.organisation and o.agency in ('LA', 'TEAM')
      where i.family = any (open_to) and i.lead and i."from" <= now() and coalesce(i.until, 'infinity') > now()
      order by i.id limit 1), new.ring);
  end if;
  insert into fsp.look_up_receipt (family, controller, organisation)
    select f.id, f.controller, org from fsp.family f where f.id = any (known);
  perform fsp.alert_named_users(known, 'LookUp', new.id, 'Somebody looked up a child of this family.');
  return new;
end
$$;
revoke all on function fsp.answer_look_up() from public;

-- After `stamp`, in the order of their names: the row has its key by then.
drop trigger if exists tell_look_up on fsp.look_up;
create trigger tell_look_up before insert on fsp.look_up for each row execute function fsp.answer_look_up();
drop trigger if exists tell_child_named on fsp.referral_child;
create trigger tell_child_named after insert on fsp.referral_child for each row execute function fsp.alert_child_named('referral');
drop trigger if exists tell_child_named on fsp.contact_child;
create trigger tell_child_named after insert on fsp.contact_child for each row execute function fsp.alert_child_named('contact');
