-- For whom the recipient of an evidence pack stands: the person that it is given to, or those with whom an organisation
-- works today where it works with named persons of the family alone. It is the database that says so: an involvement whose
-- service tells of health or abuse is hidden from who prepares the pack, and holds for it all the same.
create or replace function fsp.know_recipient() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  new.recipient_persons := coalesce(
    case when new.recipient_person is not null then array[new.recipient_person]
      else (select case when bool_or(i.person is null) then null else array_agg(distinct i.person) end
        from fsp.involvement i where i.family = new.family and i.organisation = new.recipient_organisation
          and i."from" <= now() and coalesce(i.until, 'infinity') > now()) end,
    '{}');
  return new;
end
$$;
revoke all on function fsp.know_recipient() from public;

-- After `stamp`, in the order of their names.
drop trigger if exists tell_recipient on fsp.evidence_pack;
create trigger tell_recipient before insert on fsp.evidence_pack for each row execute function fsp.know_recipient();
