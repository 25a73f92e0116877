/**
 * The statements of the limit, written by hand for exactly this answer. The policies stand behind them; what they say
 * themselves is the rule about the user (what is kept from a person whom the user works with).
 */

const globalId = (type: string, key: string) => `('${type}-' || ${key})`;

const notKept = (row: string, login: number) =>
  `(${row}.kept_from = '{}' or (select true from fsp.user_focus u where u.login = ${login} and u.subject = $1::text and u.family = ${row}.family and u.only_with <@ ${row}.kept_from) is null)`;

const list = (rows: string) => `(select coalesce(array_to_json(array_agg(row_to_json(o))), '[]'::json) from (${rows}) o)`;

const person = (key: string) => `(select row_to_json(o) from (select ${globalId('Person', key)} as id) o)`;

const members = `select (select row_to_json(o) from (select ${globalId('Person', 'm.person')} as id, i.given_name as "givenName", i.family_name as "familyName", i.date_of_birth as "dateOfBirth") o) as person, m."from"
  from (select person, id, "from" from fsp.membership b where b.family = f.family
    union all select person, id, "from" from fsp.unborn_membership b where b.family = f.family) m
  left join fsp.person_identity i on i.person = m.person
  order by m.person, m.id`;

const plans = `select ${globalId('Plan', 'p.id')} as id, p.kind, p.status, p.started, p.next_review_due as "nextReviewDue", ${person('p.person')} as person
  from fsp.plan p where p.family = f.family order by p.id`;

const readings = (
  login: number,
) => `select r.stage_of_change as "stageOfChange", r.capacity_for_change as "capacityForChange", ${person('r.person')} as person
  from fsp.workbook_reading r where r.entry = w.id and ${notKept('r', login)} order by r.id`;

const workbook = (login: number) => `select ${globalId('WorkbookEntry', 'w.id')} as id, w.module,
    to_char(w.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred, w.author, w.narrative, ${list(readings(login))} as readings
  from (select * from fsp.workbook_entry e where e.family = f.family and ${notKept('e', login)} order by e.occurred_at desc, e.id desc limit 5) w
  order by w.occurred_at desc, w.id desc`;

const interventions = `select ${globalId('Intervention', 'v.id')} as id,
    (select row_to_json(o) from (select c.code, c.name) o where c.id is not null) as programme,
    (select row_to_json(o) from (select g.name) o where g.id is not null) as provider, s.status,
    s.sessions + (select count(*)::int from fsp.intervention_session e where e.intervention = s.intervention and e.attendance = 'ATTENDED') as sessions
  from (select * from fsp.intervention b where b.family = f.family order by b.id limit 20) v
  left join fsp.intervention_link l on l.intervention = v.id
  left join fsp.intervention_progress s on s.intervention = v.id
  left join fsp.programme c on c.id = l.programme
  left join fsp.organisation g on g.id = l.provider
  order by v.id`;

/** A family's JSON; its key is `f.family`. */
const whole = (login: number) => `select ${globalId('Family', 'f.family')} as id, n.reference, n.name, s.stage,
    ${list(members)} as members, ${list(plans)} as plans,
    (select row_to_json(o) from (select ${list(workbook(login))} as nodes) o) as workbook,
    (select row_to_json(o) from (select ${list(interventions)} as nodes) o) as interventions`;

const names = `left join fsp.family_name n on n.family = f.family left join fsp.family_stage s on s.family = f.family`;

const granted = (login: number) => `g.login = ${login} and g.starts <= now() and g.ends > now()`;

/** One family by its key, `$2`. */
export const familySql = (login: number): string => `
  select '"family":' || row_to_json(o)::text as j
  from fsp.family_grant f ${names} cross join lateral (${whole(login)}) o
  where f.login = ${login} and f.starts <= now() and f.ends > now() and f.family = $2::bigint`;

/** So many families after a key, each as the row that `json` selects. */
const after = (login: number, count: number, key: string, json: string) => `
  select '"families":' || (select row_to_json(a) from (select
      coalesce(array_to_json(array_agg(x.j order by x.family) filter (where x.n <= ${count})), '[]'::json) as nodes,
      (select row_to_json(i) from (select count(x.family) > ${count} as "hasNextPage", (max(x.family) filter (where x.n <= ${count}))::text as "endCursor") i) as "pageInfo"
    ) a)::text as j
  from (select f.family, f.n, o.j
    from (select g.family, row_number() over (order by g.family) as n from
      (select g.family from fsp.family_grant g where ${granted(login)} and g.family > ${key}::bigint order by g.family limit ${count + 1}) g) f
    left join lateral (select row_to_json(w) as j from (select) one ${names} cross join lateral (${json}) w where f.n <= ${count}) o on true) x`;

/** The 20 families after a key, `$2`. */
export const pageSql = (login: number): string => after(login, 20, '$2', whole(login));

/** The 100 families after a key, `$1`: what the list itself shows of them. */
export const flatSql = (login: number): string =>
  after(login, 100, '$1', `select ${globalId('Family', 'f.family')} as id, n.reference, n.name, s.stage`);

/**
 * A Workbook entry with one person and one reading, its place in the outbox and its idempotency key: all or, where the
 * family, the member or a code is not there for the login, nothing. A key that was used fails the whole statement.
 */
export const entrySql = (login: number): string => `
  with entry as (
    insert into fsp.workbook_entry (family, controller, worker, module, discipline, session_type, occurred_at, author, narrative)
    select g.family, (select fsp.current_organisation()), $1::text, $2::text, $3::text, $4::text, $5::timestamptz, $6::text, $7::text
    from fsp.family_grant g
    where ${granted(login)} and g.family = $8::bigint
      and exists (select from fsp.membership m where m.family = g.family and m.person = $9::bigint)
      and 3 = (select count(*) from fsp.code c where (c.list, c.code) in (('discipline', $3::text), ('session-type', $4::text), ('behaviour', $10::text))
        and (c.valid_to is null or c.valid_to > current_date::text))
    returning id, family, controller, worker),
  about as (
    insert into fsp.workbook_entry_person (entry, family, person, controller, worker)
    select id, family, $9::bigint, controller, worker from entry),
  reading as (
    insert into fsp.workbook_reading (entry, family, person, controller, worker, behaviour, stage_of_change, capacity_for_change)
    select id, family, $9::bigint, controller, worker, $10::text, $11::text, $12::int from entry),
  told as (
    insert into fsp.outbox (organisation, client, subject, purpose, request_id, action, entity, entity_id, family, persons, data_classes)
    select controller, $13::text, $1::text, $14::text, $15::text, 'addWorkbookEntry', 'WorkbookEntry', id, family, array[$9::bigint], array['WORKBOOK'] from entry),
  key as (
    insert into fsp.idempotency (organisation, client, key, fingerprint, result)
    select controller, $13::text, $16::text, decode($17::text, 'hex'), jsonb_build_object('id', id::text) from entry)
  select id from entry`;

/** What a key wrote, by the client (`$1`) that used it with the same input: `$2`, `$3`. */
export const writtenSql = `
  select i.result ->> 'id' as id from fsp.idempotency i
  where i.organisation = (select fsp.current_organisation()) and i.client = $1::text and i.key = $2::text and i.fingerprint = decode($3::text, 'hex')`;
