-- A statement stands beside a fact that its writer's login sees: asked as that login, under the fact's own policies. What is
-- hidden and what never was are refused alike, and so is what cannot be disputed.
create or replace function fsp.see_fact() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  fact_table constant text := lower(regexp_replace(new.subject_type, '([a-z0-9])([A-Z])', '\1_\2', 'g'));
  there boolean;
begin
  if exists (select from unnest(array[{{disputable}}]) known where known = fact_table) then
    begin
      execute format('select true from fsp.%I f where f.id = $1', fact_table) into there using new.subject_id;
    exception when insufficient_privilege then there := null;
    end;
  end if;
  if there is null then raise insufficient_privilege using message = 'No such row.'; end if;
  return new;
end
$$;

-- What decides who sees a statement is the fact's, whatever the statement said.
create or replace function fsp.copy_fact() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  fact_table constant text := lower(regexp_replace(new.subject_type, '([a-z0-9])([A-Z])', '\1_\2', 'g'));
  masks constant jsonb := {{dispute_masks}};
  fact jsonb;
begin
  execute format('select to_jsonb(f) from fsp.%I f where f.id = $1', fact_table) into fact using new.subject_id;
  if fact ->> 'family' is null then raise insufficient_privilege using message = 'No such row.'; end if;
  new.family := (fact ->> 'family')::bigint;
  new.person := (fact ->> 'person')::bigint;
  new.holder := (fact ->> 'controller')::integer;
  new.worker := fact ->> 'worker';
  new.row_mask := (masks ->> fact_table)::bigint | coalesce((fact ->> 'row_mask')::bigint, 0);
  new.kept_from := array(select kept::bigint from jsonb_array_elements_text(coalesce(fact -> 'kept_from', '[]')) kept);
  return new;
end
$$;
revoke all on function fsp.copy_fact() from public;

-- Whose fact it is hears that it is disputed.
create or replace function fsp.tell_holder() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform fsp.recall('FACT_DISPUTED', new.subject_type, new.subject_id, new.family, array[new.holder],
    'A person says that this is not as it stands. Their statement stands beside it: read it, and put right what is wrong.');
  return null;
end
$$;
revoke all on function fsp.tell_holder() from public;

-- Of the triggers before a row, in the order of their names, these are the first.
drop trigger if exists a_seen on fsp.dispute;
create trigger a_seen before insert on fsp.dispute for each row execute function fsp.see_fact();
drop trigger if exists b_copied on fsp.dispute;
create trigger b_copied before insert on fsp.dispute for each row execute function fsp.copy_fact();
drop trigger if exists told on fsp.dispute;
create trigger told after insert on fsp.dispute for each row execute function fsp.tell_holder();

-- Whom a fact is kept from, its statements are kept from: from more persons when it is, and no longer when it is lifted.
create or replace function fsp.follow_kept_from() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  fact_type constant text := replace(initcap(replace(tg_table_name, '_', ' ')), ' ', '');
begin
  insert into fsp.kept_from_lift (subject_table, row_key, person, decision, organisation)
    select 'dispute', d.id, l.person, l.decision, l.organisation
    from fsp.dispute d join fsp.kept_from_lift l on l.subject_table = tg_table_name and l.row_key = new.id
      and l.xmin = pg_current_xact_id()::xid and l.person = any (d.kept_from) and l.person <> all (new.kept_from)
    where d.subject_type = fact_type and d.subject_id = new.id;
  update fsp.dispute d set kept_from = new.kept_from
    where d.subject_type = fact_type and d.subject_id = new.id and d.kept_from is distinct from new.kept_from;
  return null;
end
$$;
revoke all on function fsp.follow_kept_from() from public;

do $$
declare
  fact_table text;
begin
  foreach fact_table in array array[{{disputable}}] loop
    if not exists (select from pg_attribute where attrelid = to_regclass('fsp.' || fact_table) and attname = 'kept_from') then continue; end if;
    execute format('drop trigger if exists disputes_follow on fsp.%I', fact_table);
    execute format('create trigger disputes_follow after update of kept_from on fsp.%I for each row
      when (old.kept_from is distinct from new.kept_from) execute function fsp.follow_kept_from()', fact_table);
  end loop;
end
$$;

-- A dissent is of the decision's family and person, and kept from whom the decision is kept from. Whether its writer sees the
-- decision is for the policy to say.
create or replace function fsp.copy_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  select d.family, d.person, d.kept_from into new.family, new.person, new.kept_from from fsp.decision d where d.id = new.decision;
  if new.family is null then raise insufficient_privilege using message = 'No such row.'; end if;
  return new;
end
$$;
revoke all on function fsp.copy_decision() from public;
drop trigger if exists b_copied on fsp.disagreement;
create trigger b_copied before insert on fsp.disagreement for each row execute function fsp.copy_decision();
