/**
 * Ofsted's Annex A, the lists of children that an inspection of children's services asks for, from rows of the Standard Safeguarding Dataset.
 * Days are written as people in Britain write them. What the dataset does not hold has its column, empty; lists of what it does not hold at all
 * (care leavers, adoption, adopters) have their headings.
 */
import { daysBetween } from '../../modules/clock/calendar.ts';
import type { Row, Value } from './rows.ts';

const CHILD = ['Child Unique ID', 'Gender', 'Ethnicity', 'Date of Birth', 'Age of Child (Years)'];
const WORKER = ['Allocated Team', 'Allocated Worker'];
const DISABILITY = 'Does the Child have a Disability';

/** Each list's file, and its columns. */
export const ANNEX_A: Record<string, readonly string[]> = {
  annex_a_01_contacts: [...CHILD, 'Date of Contact', 'Contact Source'],
  annex_a_02_early_help: [...CHILD, 'Assessment Start Date', 'Assessment Completion Date', 'Organisation Completing Assessment'],
  annex_a_03_referrals: [
    ...CHILD,
    'Date of Referral',
    'Referral Source',
    'Referral Resulted in No Further Action',
    'Number of Referrals in the Last 12 Months',
    ...WORKER,
  ],
  annex_a_04_assessments: [
    ...CHILD,
    DISABILITY,
    'Assessment Start Date',
    'Child Seen During Assessment',
    'Assessment Authorised',
    'Assessed as Requiring Social Care Support',
    ...WORKER,
  ],
  annex_a_05_section_47: [
    ...CHILD,
    DISABILITY,
    'Section 47 Start Date',
    'Conference Deemed Unnecessary',
    'Date of Initial Child Protection Conference',
    'Conference Resulted in a Child Protection Plan',
    'Number of Section 47 Enquiries in the Last 12 Months',
    'Number of Conferences in the Last 12 Months',
    ...WORKER,
  ],
  annex_a_06_children_in_need: [
    ...CHILD,
    DISABILITY,
    'CIN Start Date',
    'Primary Need Code',
    'Date Child Was Last Seen',
    'CIN Closure Date',
    'Reason for Closure',
    'Case Status',
    ...WORKER,
  ],
  annex_a_07_child_protection: [
    ...CHILD,
    DISABILITY,
    'Child Protection Plan Start Date',
    'Initial Category of Abuse',
    'Latest Category of Abuse',
    'Date of the Last Statutory Visit',
    'Was the Child Seen Alone',
    'Date of Latest Review Conference',
    'Child Protection Plan End Date',
    'Number of Previous Child Protection Plans',
    ...WORKER,
  ],
  annex_a_08_looked_after: [
    ...CHILD,
    DISABILITY,
    'Date Started to be Looked After',
    'Legal Status',
    'Date of Last Visit',
    'Placement Start Date',
    'Placement Type',
    'Placement Postcode',
    'Date Ceased to be Looked After',
    ...WORKER,
  ],
  annex_a_09_care_leavers: [...CHILD, ...WORKER],
  annex_a_10_adoption: [...CHILD, ...WORKER],
  annex_a_11_adopters: ['Adopter Identifier'],
};

/** 21/11/2026; what is no day stays as it is. */
export const ukDay = (day: Value | undefined): string => {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(String(day ?? ''));
  return found ? `${found[3]}/${found[2]}/${found[1]}` : String(day ?? '');
};

/** Whole years; none before birth. */
export function ageOn(born: Value | undefined, day: string): number | null {
  const text = String(born ?? '');
  if (!/^\d{4}-/.test(text) || text > day) return null;
  return Number(day.slice(0, 4)) - Number(text.slice(0, 4)) - (day.slice(5) < text.slice(5) ? 1 : 0);
}

const YEAR = 365;

/**
 * Lines of the lists, of one family.
 *
 * @param rows its rows of the dataset, by table.
 * @param known everybody who was written before: rows that stand with another family, and professionals' names.
 */
export function annexA(
  rows: ReadonlyMap<string, Row[]>,
  known: { persons: ReadonlyMap<string, Row>; professionals: ReadonlyMap<string, string> },
  day: string,
  put: (list: string, values: Value[]) => void,
): void {
  const of = (table: string) => rows.get(`ssd_${table}`) ?? [];
  const disabled = new Map<string, string[]>();
  for (const { disa_person_id: who, disa_disability_code: code } of of('disability'))
    disabled.set(String(who), [...(disabled.get(String(who)) ?? []), String(code)]);
  const child = (id: Value | undefined): Value[] | null => {
    const person = known.persons.get(String(id));
    return person
      ? [
          String(id),
          person.pers_sex ?? null,
          person.pers_ethnicity ?? null,
          ukDay(person.pers_dob ?? person.pers_expected_dob),
          ageOn(person.pers_dob, day),
        ]
      : null;
  };
  const disability = (id: Value | undefined): string => {
    const codes = disabled.get(String(id));
    return codes === undefined ? '' : codes.includes('NONE') ? 'N' : 'Y';
  };
  const worker = (team: Value | undefined, id: Value | undefined): Value[] => [
    team ?? null,
    known.professionals.get(String(id)) ?? id ?? null,
  ];
  const within = (on: Value | undefined) => typeof on === 'string' && on <= day && daysBetween(on, day) <= YEAR;
  const count = (table: string, who: string, id: Value | undefined, at: string) =>
    of(table).filter((each) => each[who] === id && within(each[at])).length;
  const latest = (table: string, where: (row: Row) => boolean, at: string) =>
    of(table)
      .filter(where)
      .filter((each) => each[at])
      .sort((a, b) => (String(a[at]) < String(b[at]) ? -1 : 1))
      .at(-1);
  const line = (list: string, id: Value | undefined, values: Value[]) => {
    const who = child(id);
    if (who) put(list, [...who, ...values]);
  };

  for (const each of of('contacts'))
    line('annex_a_01_contacts', each.cont_person_id, [ukDay(each.cont_contact_date), each.cont_contact_source_code ?? null]);
  for (const each of of('early_help_episodes'))
    line('annex_a_02_early_help', each.earl_person_id, [
      ukDay(each.earl_episode_start_date),
      ukDay(each.earl_episode_end_date),
      each.earl_episode_organisation ?? null,
    ]);
  for (const each of of('cin_episodes')) {
    const id = each.cine_person_id;
    const allocated = worker(each.cine_referral_team, each.cine_referral_worker_id);
    line('annex_a_03_referrals', id, [
      ukDay(each.cine_referral_date),
      each.cine_referral_source_code ?? null,
      each.cine_referral_nfa ?? null,
      count('cin_episodes', 'cine_person_id', id, 'cine_referral_date'),
      ...allocated,
    ]);
    if (each.cine_referral_nfa === 'Y') continue;
    const seen = ['cin', 'cp'].flatMap((kind) => {
      const short = kind === 'cin' ? 'cinv_cin' : 'cppv_cp';
      const visit = latest(
        `${kind}_visits`,
        (row) => row[`${kind === 'cin' ? 'cinv' : 'cppv'}_person_id`] === id && row[`${short}_visit_seen`] === 'Y',
        `${short}_visit_date`,
      );
      return visit ? [String(visit[`${short}_visit_date`])] : [];
    });
    line('annex_a_06_children_in_need', id, [
      disability(id),
      ukDay(each.cine_referral_date),
      each.cine_cin_primary_need_code ?? null,
      ukDay(seen.sort().at(-1) ?? null),
      ukDay(each.cine_close_date),
      each.cine_close_reason ?? null,
      each.cine_close_date ? 'Closed' : 'Open',
      ...allocated,
    ]);
  }
  for (const each of of('cin_assessments')) {
    const id = each.cina_person_id;
    line('annex_a_04_assessments', id, [
      disability(id),
      ukDay(each.cina_assessment_start_date),
      each.cina_assessment_child_seen ?? null,
      ukDay(each.cina_assessment_auth_date),
      each.cina_assessment_outcome_nfa === null || each.cina_assessment_outcome_nfa === undefined
        ? null
        : each.cina_assessment_outcome_nfa === 'Y'
          ? 'N'
          : 'Y',
      ...worker(each.cina_assessment_team, each.cina_assessment_worker_id),
    ]);
  }
  for (const each of of('s47_enquiry')) {
    const id = each.s47e_person_id;
    const conference = of('initial_cp_conference').find((row) => row.icpc_s47_enquiry_id === each.s47e_s47_enquiry_id);
    line('annex_a_05_section_47', id, [
      disability(id),
      ukDay(each.s47e_s47_start_date),
      each.s47e_s47_end_date ? (conference ? 'N' : 'Y') : null,
      ukDay(conference?.icpc_icpc_date),
      conference?.icpc_icpc_outcome_cp_flag ?? null,
      count('s47_enquiry', 's47e_person_id', id, 's47e_s47_start_date'),
      count('initial_cp_conference', 'icpc_person_id', id, 'icpc_icpc_date'),
      ...worker(each.s47e_s47_completed_by_team, each.s47e_s47_completed_by_worker_id),
    ]);
  }
  for (const each of of('cp_plans')) {
    const id = each.cppl_person_id;
    const ours = (row: Row) => (row.cppv_cp_plan_id ?? row.cppr_cp_plan_id) === each.cppl_cp_plan_id;
    const visit = latest('cp_visits', ours, 'cppv_cp_visit_date');
    const episode = of('cin_episodes').find((row) => row.cine_referral_id === each.cppl_referral_id);
    line('annex_a_07_child_protection', id, [
      disability(id),
      ukDay(each.cppl_cp_plan_start_date),
      each.cppl_cp_plan_initial_category ?? null,
      each.cppl_cp_plan_latest_category ?? null,
      ukDay(visit?.cppv_cp_visit_date),
      visit?.cppv_cp_visit_seen_alone ?? null,
      ukDay(latest('cp_reviews', ours, 'cppr_cp_review_date')?.cppr_cp_review_date),
      ukDay(each.cppl_cp_plan_end_date),
      of('cp_plans').filter(
        (row) => row.cppl_person_id === id && String(row.cppl_cp_plan_start_date) < String(each.cppl_cp_plan_start_date),
      ).length,
      ...worker(episode?.cine_referral_team, episode?.cine_referral_worker_id),
    ]);
  }
  for (const each of of('cla_placement')) {
    const id = each.clap_person_id;
    const care = of('cla_episodes').find((row) => row.clae_cla_placement_id === each.clap_cla_placement_id);
    const legal = of('legal_status').find(
      (row) => row.lega_person_id === id && row.lega_legal_status_start_date === each.clap_cla_placement_start_date,
    );
    const episode = of('cin_episodes').find((row) => row.cine_referral_id === care?.clae_referral_id);
    line('annex_a_08_looked_after', id, [
      disability(id),
      ukDay(care?.clae_entered_care_date),
      legal?.lega_legal_status ?? null,
      ukDay(latest('cla_visits', (row) => row.clav_person_id === id, 'clav_cla_visit_date')?.clav_cla_visit_date),
      ukDay(each.clap_cla_placement_start_date),
      each.clap_cla_placement_type ?? null,
      each.clap_cla_placement_postcode ?? null,
      ukDay(each.clap_cla_placement_end_date),
      ...worker(episode?.cine_referral_team, episode?.cine_referral_worker_id),
    ]);
  }
}
