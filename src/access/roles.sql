-- Roles of the agencies (no login), the gate and the recorder.
do $$
declare
  role_name text;
begin
  foreach role_name in array array[{{agency_names}}] loop
    if not exists (select from pg_roles where rolname = '{{db}}_agency_' || role_name) then
      execute format('create role %I nologin', '{{db}}_agency_' || role_name);
    end if;
  end loop;
  foreach role_name in array array['gate', 'recorder'] loop
    if not exists (select from pg_roles where rolname = '{{db}}_' || role_name) then
      execute format('create role %I nologin', '{{db}}_' || role_name);
    end if;
  end loop;
end
$$;

-- Nothing is open that is not opened below.
do $$
declare
  old record;
begin
  for old in select policyname, tablename from pg_policies where schemaname = 'fsp' loop
    execute format('drop policy %I on fsp.%I', old.policyname, old.tablename);
  end loop;
  execute format('revoke all on all tables in schema fsp from public, %s', (
    select string_agg(quote_ident(rolname), ', ') from pg_roles
    where rolname like '{{db}}\_agency\_%' or rolname in ('{{db}}_gate', '{{db}}_recorder')));
end
$$;
revoke all on database "{{db}}" from public;
grant usage on schema fsp to {{everyone}};
grant connect on database "{{db}}" to {{everyone}};
