-- What may be said of somebody to have happened, and to have come of it, is what the code lists know: intelligence is no fact, and
-- no login writes it down as one.
create or replace function fsp.know_incident() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from fsp.code c where c.list = 'incident-kind' and c.code = new.kind)
    or not exists (select from fsp.code c where c.list = 'incident-outcome' and c.code = new.outcome) then
    raise check_violation using message = 'Not a fact of the code lists.';
  end if;
  return new;
end
$$;
revoke all on function fsp.know_incident() from public;
drop trigger if exists known on fsp.incident;
create trigger known before insert or update of kind, outcome on fsp.incident for each row execute function fsp.know_incident();
