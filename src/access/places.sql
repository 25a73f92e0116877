-- Places of a service. Who holds one stands in `service_place`, which no login reads; a place is held until a day, or until it is given back.

-- How many are free today; null where nobody has said how many there are.
create or replace function fsp.places_left(asked integer) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select greatest(c.places - (select count(*)::integer from fsp.service_place p
    where p.service = asked and coalesce(p.until, 'infinity') >= (now() at time zone 'Europe/London')::date), 0)
  from fsp.service_capacity c where c.service = asked
$$;
revoke all on function fsp.places_left(integer) from public;
grant execute on function fsp.places_left(integer) to {{everyone}};

-- Whether an application of who gives a service may read what is offered of it: otherwise nobody answers.
create or replace function fsp.offers_are_read(asked integer) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select exists (select from fsp.client c where c.organisation = asked and c.enabled and 'family:read' = any (c.scopes))
$$;
revoke all on function fsp.offers_are_read(integer) from public;
grant execute on function fsp.offers_are_read(integer) to {{members}};

-- Holds a place, anew where it is held already. Those who take one of the same service stand in a queue, so that none is promised twice.
create or replace function fsp.take_place(of_service integer, holder text, holder_key bigint, until_day date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  there integer;
begin
  -- A place that is held is kept, also where fewer are there than are held.
  update fsp.service_place p set until = until_day
    where p.held_by = holder and p.held_key = holder_key and p.service = of_service
      and coalesce(p.until, 'infinity') >= (now() at time zone 'Europe/London')::date;
  if found then return; end if;
  delete from fsp.service_place p where p.held_by = holder and p.held_key = holder_key;
  select c.places into there from fsp.service_capacity c where c.service = of_service for update;
  if there <= (select count(*) from fsp.service_place p
      where p.service = of_service and coalesce(p.until, 'infinity') >= (now() at time zone 'Europe/London')::date) then
    raise exception using errcode = 'FSP01', message = 'No place is free.';
  end if;
  insert into fsp.service_place (service, held_by, held_key, until) values (of_service, holder, holder_key, until_day);
end
$$;
revoke all on function fsp.take_place(integer, text, bigint, date) from public;

-- An offer, an answer to a need and a voucher hold a place as long as their status says so, whoever writes it.
create or replace function fsp.follow_place() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  row_now jsonb := to_jsonb(new);
  of_service integer;
  by_voucher boolean;
  holds boolean;
  until_day date;
begin
  if tg_op = 'UPDATE' and old.status = new.status then return null; end if;
  if tg_table_name = 'housing_answer' then
    of_service := (row_now ->> 'service')::integer;
    holds := new.status in ('ACCEPTED', 'TAKEN_UP');
  else
    select s.id, s.by_voucher into of_service, by_voucher from fsp.service_offer_link k join fsp.service s on s.id = k.service
      where k.offer = coalesce((row_now ->> 'offer')::bigint, new.id);
    if tg_table_name = 'service_offer' then
      -- Of what is given by voucher the voucher holds it: until the offer is over, and with it what was issued for it.
      if by_voucher then
        if new.status in ('DECLINED', 'NOT_AVAILABLE', 'COMPLETED') then
          update fsp.voucher v set status = 'VOID' where v.offer = new.id and v.status = 'ISSUED';
          delete from fsp.service_place p using fsp.voucher v where v.offer = new.id and p.held_by = 'voucher' and p.held_key = v.id;
        end if;
        return null;
      end if;
      holds := new.status in ('ACCEPTED', 'TAKEN_UP');
      until_day := case when new.status = 'ACCEPTED' then (row_now ->> 'held_until')::date end;
    else
      holds := new.status in ('ISSUED', 'REDEEMED');
      until_day := case when new.status = 'ISSUED' then (row_now ->> 'expires_on')::date end;
    end if;
  end if;
  if of_service is null then return null; end if;
  if holds then
    perform fsp.take_place(of_service, tg_table_name, new.id, until_day);
  else
    delete from fsp.service_place p where p.held_by = tg_table_name and p.held_key = new.id;
  end if;
  return null;
end
$$;
revoke all on function fsp.follow_place() from public;
drop trigger if exists follow_place on fsp.service_offer;
create trigger follow_place after update of status on fsp.service_offer for each row execute function fsp.follow_place();
drop trigger if exists follow_place on fsp.housing_answer;
create trigger follow_place after update of status on fsp.housing_answer for each row execute function fsp.follow_place();
drop trigger if exists follow_place on fsp.voucher;
create trigger follow_place after insert or update of status on fsp.voucher for each row execute function fsp.follow_place();

-- Says how many places a service has, and which indicators it is meant to move: by who gives it. False: it is not theirs.
create or replace function fsp.set_places(asked integer, how_many integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from fsp.service s join fsp.login l on l.organisation = s.organisation
      where s.id = asked and l.name = session_user and not l.emergency) then return false; end if;
  if how_many is null then
    delete from fsp.service_capacity c where c.service = asked;
  else
    insert into fsp.service_capacity (service, places) values (asked, how_many) on conflict (service) do update set places = excluded.places;
  end if;
  return true;
end
$$;
revoke all on function fsp.set_places(integer, integer) from public;
grant execute on function fsp.set_places(integer, integer) to {{members}};

create or replace function fsp.set_indicators(asked integer, codes text[]) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from fsp.service s join fsp.login l on l.organisation = s.organisation
      where s.id = asked and l.name = session_user and not l.emergency) then return false; end if;
  delete from fsp.service_own_indicator i where i.service = asked;
  insert into fsp.service_own_indicator (service, indicator) select asked, o.id from fsp.outcome_indicator o where o.code = any (codes);
  return true;
end
$$;
revoke all on function fsp.set_indicators(integer, text[]) from public;
grant execute on function fsp.set_indicators(integer, text[]) to {{members}};
