-- Gathers what the county holds about the person of a request for their own data, into rows of the request's own. Nobody's login
-- may read all tables of people, and a governance user reads less than most: so the database gathers, as its owner, and gives to
-- nobody what it gathered. It can be asked by a county's login alone, for its own request, once, about a person whom that login
-- sees today, in families that it sees today; and it hands the rows to that request, where the county's governance reads them.
--
-- What a request may never bring out is not copied at all; of it is noted that there is something, and why it was left out.
-- Answers which families it gathered from.
create or replace function fsp.gather_subject_access(asked bigint, for_user text) returns bigint[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  org integer;
  req fsp.subject_access;
  families bigint[];
  whose bigint[];
  members bigint[];
  harms boolean;
  other_protected boolean;
  child_protected boolean;
  names text;
  source record;
  each_row record;
  told jsonb;
  classes text[];
  exemption text;
  section_id bigint;
  item_id bigint;
  others boolean;
  class_bits constant jsonb := {{class_bits}};
  -- What tells where somebody is; of a protected person, whatever may tell it.
  leaks constant text[] := array['WHEREABOUTS', 'HOUSING', 'EDUCATION', 'OFFER', 'INVOLVEMENT'];
  may_leak constant text[] := array(select b.key from jsonb_each_text({{class_bits}}) b where ({{leak_group}}::bigint >> b.value::int) & 1 = 1);
  sources constant jsonb := $gathering${{gathering}}$gathering$::jsonb;
begin
  select o.id into org from fsp.login l join fsp.organisation o on o.id = l.organisation
    where l.name = session_user and o.agency = 'LA' and not l.emergency;
  select * into req from fsp.subject_access r where r.id = asked and r.controller = org and r.prepared_at is null for update;
  if req.id is null or not exists (select from fsp.person_grant g where g.login = fsp.current_login() and g.person = req.person
      and g.starts <= now() and g.ends > now()) then
    raise insufficient_privilege using message = 'No such request.';
  end if;
  families := array(select distinct m.family from fsp.membership m join fsp.family_grant g on g.family = m.family
    where m.person = req.person and g.login = fsp.current_login() and g.starts <= now() and g.ends > now()
      -- Who must not look at a family does not have it gathered either.
      and not exists (select from fsp.user_rule r where r.login = g.login and r.kind = 'barred' and r.family = m.family
        and for_user = any (r.subjects) and r.starts <= now() and r.ends > now()) order by 1);
  whose := array_remove(array[req.person, req.requester_person], null);
  -- Who asks is recorded as harming somebody, in any of these families.
  harms := exists (select from unnest(families) f,
    unnest(fsp.recorded_as_harming(f, array(select m.person from fsp.membership m where m.family = f))) h
    where h = coalesce(req.requester_person, req.person));
  members := array(select distinct m.person from fsp.membership m where m.family = any (families) and m.person <> all (whose));
  other_protected := exists (select from fsp.whereabouts_protection p where p.person = any (members)
    and p."from" <= now() and coalesce(p.until, 'infinity') > now());
  child_protected := req.requester = 'PARENT' and exists (select from fsp.whereabouts_protection p where p.person = req.person
    and p."from" <= now() and coalesce(p.until, 'infinity') > now());
  -- The names of others, so that a text that has one is held back until somebody has read it.
  select '\m(' || string_agg(distinct regexp_replace(n.name, '([^[:alnum:][:space:]])', '\\\1', 'g'), '|') || ')\M' into names
    from (
      select i.given_name as name from fsp.person_identity i where i.person = any (members)
      union select i.family_name from fsp.person_identity i where i.person = any (members)
        and lower(i.family_name) not in (select lower(s.family_name) from fsp.person_identity s where s.person = any (whose) and s.family_name is not null)
      union select a.name from fsp.trusted_adult a where a.family = any (families)
      union select c.name from fsp.contact_informant c where c.family = any (families)
    ) n where length(trim(n.name)) > 1;

  for source in select * from jsonb_to_recordset(sources) as s (name text, noun text, "dataClass" text, rows text, others text) loop
    section_id := null;
    if source.others is not null then
      execute source.others into others using req.person, families, whose;
      if others then
        insert into fsp.subject_access_section (request, person, controller, source, noun, data_class)
          values (asked, req.person, org, source.name, source.noun, source."dataClass") returning id into section_id;
        insert into fsp.subject_access_exclusion (request, section, person, controller, exemption)
          values (asked, section_id, req.person, org, 'third-party');
      end if;
    end if;
    for each_row in execute source.rows using req.person, families, whose loop
      told := (select coalesce(jsonb_agg(f), '[]') from jsonb_array_elements(each_row.fields) f where f ->> 'value' is not null);
      if told = '[]' then continue; end if;
      classes := source."dataClass" || array(select b.key from jsonb_each_text(class_bits) b where (each_row.mask >> b.value::int) & 1 = 1);
      exemption := case
        when 'INFORMANT' = any (classes) then 'informant'
        when 'COURT' = any (classes) then 'court'
        when each_row.kept && whose then 'kept-from'
        -- That there was a MARAC is never told to whom it was about.
        when harms and ('VICTIM' = any (classes) or source.name in ('marac', 'marac_content')) then 'victim'
        when 'CHILD_VOICE' = any (classes) and req.requester = 'PARENT' and not each_row.agreed then 'child-confidence'
        when (harms or req.requester = 'PARENT') and 'SHARING' = any (classes)
          and source.name not in ('told_family', 'told_family_person') then 'safeguarding'
        when child_protected and classes && may_leak then 'whereabouts'
        when other_protected and each_row.way <> 'person' and classes && may_leak then 'whereabouts'
        when harms and (req.requester = 'PARENT' or each_row.way <> 'person') and classes && leaks then 'whereabouts'
        when each_row.way = 'family' and classes && array['SAFETY', 'OFFENCE', 'VICTIM'] then 'third-party'
      end;
      -- What another organisation controls, that one gives: it is told of the request, unless that alone would tell too much.
      if each_row.controller <> org then
        if exemption is null then
          insert into fsp.subject_access_notice (request, family, person, controller, assigned, asked_on)
            select asked, f, req.person, org, each_row.controller, req.received_on from unnest(families) f
            order by fsp.works_with(each_row.controller, f) desc, f limit 1
            on conflict do nothing;
        end if;
        continue;
      end if;
      if section_id is null then
        insert into fsp.subject_access_section (request, person, controller, source, noun, data_class)
          values (asked, req.person, org, source.name, source.noun, source."dataClass") returning id into section_id;
      end if;
      if exemption is not null then
        insert into fsp.subject_access_exclusion (request, section, person, controller, exemption)
          values (asked, section_id, req.person, org, exemption) on conflict do nothing;
        continue;
      end if;
      insert into fsp.subject_access_item (request, section, person, controller, source_key, several, status)
        values (asked, section_id, req.person, org, each_row.key, each_row.way <> 'person',
          case when 'CLINICAL' = any (classes) then 'AWAITS_OPINION'
            when each_row.way <> 'person' or classes && array['SHARING', 'SUPERVISION', 'STAFF'] then 'REVIEW' else 'INCLUDED' end)
        returning id into item_id;
      insert into fsp.subject_access_field (request, item, person, controller, name, value, held)
        select asked, item_id, req.person, org, f ->> 'name', f ->> 'value',
          coalesce((f ->> 'other')::boolean, false) or (coalesce((f ->> 'free')::boolean, false) and coalesce(f ->> 'value' ~* names, false))
        from jsonb_array_elements(told) with ordinality as t (f, place) order by place;
    end loop;
  end loop;
  return families;
end
$$;
revoke all on function fsp.gather_subject_access(bigint, text) from public;
grant execute on function fsp.gather_subject_access(bigint, text) to "{{db}}_agency_la";

-- Whether an organisation works with a family, or did: whom a request for somebody's data can be passed on to.
create or replace function fsp.works_with(organisation integer, asked bigint) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$ select exists (select from fsp.involvement i where i.family = asked and i.organisation = works_with.organisation) $$;
revoke all on function fsp.works_with(integer, bigint) from public;
