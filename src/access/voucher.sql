-- Redeems a voucher by the fingerprint of its code, for the desk whose service it is for. Exactly once, whoever asks at the same time. What
-- the desk gets is a row of its own, in which nobody is; of a code that is not one of its own it learns nothing, whether it is another
-- desk's, was withdrawn, or never was. Null: too many of this desk's tries in the last hour were of no code of its own.
create or replace function fsp.redeem_voucher(fingerprint text, by_user text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  found fsp.voucher;
  of_offer bigint;
  of_service integer;
  outcome text;
  made bigint;
  day constant date := (now() at time zone 'Europe/London')::date;
begin
  select l.organisation into org from fsp.login l where l.name = session_user and not l.emergency and not l.sealed;
  if org is null then raise insufficient_privilege using message = 'Not a desk.'; end if;
  -- Tries of one desk stand in a queue: side by side they would each count too few.
  perform pg_advisory_xact_lock(hashtext('fsp.redeem_voucher'), org);
  if (select count(*) from fsp.voucher_redemption r where r.sender = org and r.result = 'NOT_KNOWN' and r.at > now() - interval '1 hour')
      >= {{voucher_tries}} then
    return null;
  end if;
  select k.offer, k.service into of_offer, of_service from fsp.voucher v
    join fsp.service_offer_link k on k.offer = v.offer
    join fsp.service s on s.id = k.service and s.organisation = org and s.by_voucher
    where v.code_hash = fingerprint;
  -- The offer first and its vouchers after it: in this order everybody takes them, so that nobody waits for who waits for them.
  perform from fsp.service_offer o where o.id = of_offer for no key update;
  select v.* into found from fsp.voucher v where v.code_hash = fingerprint and v.offer = of_offer for update;
  outcome := case when found.id is null or found.status = 'VOID' then 'NOT_KNOWN' when found.status = 'REDEEMED' then 'USED'
    when found.expires_on < day then 'EXPIRED' else 'ACCEPTED' end;
  if outcome = 'NOT_KNOWN' then of_service := null; end if;
  if outcome = 'ACCEPTED' then
    update fsp.voucher v set status = 'REDEEMED', redeemed_on = day where v.id = found.id;
    update fsp.service_offer o set status = 'TAKEN_UP', taken_up_on = day, answered_on = day
      where o.id = found.offer and o.status in ('OFFERED', 'WAITING', 'ACCEPTED');
  end if;
  insert into fsp.voucher_redemption (sender, worker, service, result, expires_on, tried_on)
    values (org, by_user, of_service, outcome, case when outcome in ('ACCEPTED', 'EXPIRED') then found.expires_on end, day) returning id into made;
  return made;
end
$$;
revoke all on function fsp.redeem_voucher(text, text) from public;
grant execute on function fsp.redeem_voucher(text, text) to {{members}};
