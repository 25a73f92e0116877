/** A family's record as rows of the Standard Safeguarding Dataset. What this platform does not hold has its table, without rows. */
import { createHash } from 'node:crypto';
import { today } from '../../modules/clock/calendar.ts';
import type { Code, Family, Person } from './read.ts';

export type Value = string | number | null;
export type Row = Record<string, Value>;
/** A row, and the table in which it stands. */
export type Put = (table: string, row: Row) => void;
/** Told of a code that was none on the day: it is left out. */
export type Odd = (table: string, field: string, id: string, code: string, day: string) => void;

/** Ids have letters and digits alone: `Person-12` is `Person12`. */
export const plainId = (id: string): string => id.replace('-', '');
const of = (row: { id: string } | null): string | null => row && plainId(row.id);
const flag = (value: boolean | null | undefined): string | null => (value === null || value === undefined ? null : value ? 'Y' : 'N');
const byId = <T extends { id: string }>(rows: readonly T[] | null | undefined): T[] =>
  [...(rows ?? [])].sort((a, b) => Number(a.id.split('-')[1]) - Number(b.id.split('-')[1]));

/** A short id of what has none of its own: the same for the same. */
const made = (...parts: (string | null)[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 20);

/** Keys of a dictionary of flags, and the codes of ours that set each; of several that are set each is Y. */
type Flags = Record<string, readonly string[]>;
const flags = (known: Flags, codes: readonly string[]): string => {
  const said = Object.entries(known).map(([name, ours]) => [name, codes.some((code) => ours.includes(code)) ? 'Y' : 'N']);
  return JSON.stringify({ ...Object.fromEntries(said), TOTAL_NO_OF_OUTCOMES: codes.length });
};

const ASSESSMENT_FLAGS: Flags = {
  NFA_FLAG: ['no-further-action'],
  NFA_S47_END_FLAG: [],
  STRATEGY_DISCUSSION_FLAG: ['strategy-discussion'],
  CLA_REQUEST_FLAG: ['looked-after'],
  PRIVATE_FOSTERING_FLAG: [],
  LEGAL_ACTION_FLAG: ['legal-action'],
  PROV_OF_SERVICES_FLAG: ['child-in-need-plan'],
  PROV_OF_SB_CARE_FLAG: [],
  SPECIALIST_ASSESSMENT_FLAG: ['specialist-assessment'],
  REFERRAL_TO_OTHER_AGENCY_FLAG: ['adult-services', 'early-help'],
  OTHER_ACTIONS_FLAG: ['conference'],
  OTHER_OUTCOMES_EXIST_FLAG: ['other'],
};
const ENQUIRY_FLAGS: Flags = {
  NFA_FLAG: ['no-further-action'],
  LEGAL_ACTION_FLAG: [],
  PROV_OF_SERVICES_FLAG: [],
  PROV_OF_SB_CARE_FLAG: [],
  CP_CONFERENCE_FLAG: ['conference'],
  NFA_CONTINUE_SINGLE_FLAG: ['not-at-risk'],
  MONITOR_FLAG: [],
  OTHER_OUTCOMES_EXIST_FLAG: ['unsubstantiated'],
};
const CONFERENCE_FLAGS: Flags = {
  NFA_FLAG: ['no-further-action'],
  REFERRAL_TO_OTHER_AGENCY_FLAG: ['early-help'],
  SINGLE_ASSESSMENT_FLAG: [],
  PROV_OF_SERVICES_FLAG: ['child-in-need-plan'],
  CP_FLAG: ['child-protection-plan'],
  OTHER_OUTCOMES_EXIST_FLAG: ['plan-continues', 'plan-ends'],
};
const REFERRAL_FLAGS: Flags = {
  SINGLE_ASSESSMENT_FLAG: ['assessment'],
  NFA_FLAG: ['no-further-action'],
  STRATEGY_DISCUSSION_FLAG: [],
  CLA_REQUEST_FLAG: [],
  NON_AGENCY_ADOPTION_FLAG: [],
  PRIVATE_FOSTERING_FLAG: [],
  CP_TRANSFER_IN_FLAG: [],
  CP_CONFERENCE_FLAG: [],
  CARE_LEAVER_FLAG: [],
  OTHER_OUTCOMES_EXIST_FLAG: [],
};

/** What of an export does not depend on the family: whose ids are written, its day, and what was written of somebody before. */
export type Export = {
  system: string;
  day: string;
  persons: Set<string>;
  professionals: Map<string, string>;
  departments: Set<string>;
  put: Put;
  odd: Odd;
};

/** The id of a person in the dataset: that of the record system where it knows them. */
export const personId = (person: Person, system: string): string =>
  [...(person.recordIds ?? [])].filter((each) => each.system === system).sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1))[0]?.sourceId ??
  plainId(person.id);

/** Writes a family's rows, in the order of tables and ids. */
export function familyRows(family: Family, to: Export): void {
  const { put, day, system } = to;
  const members = [...(family.members ?? [])].filter((each): each is typeof each & { person: Person } => each.person !== null);
  members.sort((a, b) => Number(a.person.id.split('-')[1]) - Number(b.person.id.split('-')[1]) || (`${a.from}` < `${b.from}` ? -1 : 1));
  const ids = new Map(members.map(({ person }) => [person.id, personId(person, system)]));
  const who = (person: { id: string } | null): string | null => (person ? (ids.get(person.id) ?? plainId(person.id)) : null);
  /** A code as it stood on a day; what was none then is left out, and told of. */
  const code = (table: string, field: string, id: string, value: Code, on: string | null): string | null => {
    if (!value) return null;
    const asOf = on ?? day;
    if (value.validFrom <= asOf && (value.validTo === null || value.validTo > asOf)) return value.code;
    to.odd(table, field, id, value.code, asOf);
    return null;
  };
  const familyId =
    family.recordIds?.nodes
      .filter((each) => each.system === system && each.entity === 'Family')
      .map(({ sourceId }) => sourceId)
      .sort()[0] ?? plainId(family.id);
  const team = family.team?.code ?? null;
  const professional = (name: string | null, organisation: string | null): string | null =>
    name === null ? null : made('professional', organisation, name);
  const lead = family.leadPractitioner;
  const worker = professional(lead?.practitioner ?? null, lead?.organisation?.code ?? null);

  const seen = new Set<string>();
  for (const { person, role } of members) {
    const id = ids.get(person.id) as string;
    if (!seen.has(id)) put('ssd_family', { fami_table_id: made('family', familyId, id), fami_family_id: familyId, fami_person_id: id });
    if (seen.has(id) || to.persons.has(id)) {
      seen.add(id);
      continue;
    }
    seen.add(id);
    to.persons.add(id);
    put('ssd_person', {
      pers_person_id: id,
      pers_sex: code('ssd_person', 'pers_sex', id, person.sex, null),
      pers_ethnicity: code('ssd_person', 'pers_ethnicity', id, person.ethnicity, null),
      pers_dob: person.dateOfBirth,
      pers_expected_dob: person.dateOfBirth ? null : person.expectedDate,
      pers_single_unique_id: person.nhsNumber,
      pers_legacy_id: id === plainId(person.id) ? null : plainId(person.id),
      pers_upn: person.upn,
      pers_is_mother: role?.code === 'mother' ? 'Y' : 'N',
      pers_forename: person.givenName,
      pers_surname: person.familyName,
    });
    for (const { disability } of person.disabilities ?? []) {
      const given = code('ssd_disability', 'disa_disability_code', id, disability, null);
      if (given) put('ssd_disability', { disa_table_id: made('disability', id, given), disa_person_id: id, disa_disability_code: given });
    }
    if (person.upn)
      put('ssd_linked_identifiers', {
        link_table_id: made('link', id, 'upn'),
        link_person_id: id,
        link_identifier_type: 'Unique Pupil Number',
        link_identifier_value: person.upn,
      });
    if (person.nhsNumber)
      put('ssd_linked_identifiers', {
        link_table_id: made('link', id, 'nhs'),
        link_person_id: id,
        link_identifier_type: 'NHS Number',
        link_identifier_value: person.nhsNumber,
      });
  }
  const mothers = members.filter(({ role, until }) => role?.code === 'mother' && until === null);
  for (const { person: mother } of mothers)
    for (const { person: child, role } of members) {
      if (role?.code !== 'child') continue;
      const [one, other] = [ids.get(mother.id) as string, ids.get(child.id) as string];
      put('ssd_mother', {
        moth_table_id: made('mother', one, other),
        moth_person_id: one,
        moth_childs_person_id: other,
        moth_childs_dob: child.dateOfBirth,
      });
    }

  const homes = (family.households ?? []).flatMap(({ members: living, ...home }) => (living ?? []).map((each) => ({ ...home, ...each })));
  homes.sort((a, b) => (`${who(a.person)} ${a.from} ${a.address}` < `${who(b.person)} ${b.from} ${b.address}` ? -1 : 1));
  for (const { address, postcode, uprn, person, from, until } of homes) {
    if (!person) continue;
    put('ssd_address', {
      addr_table_id: made('address', who(person), from, address),
      addr_person_id: who(person),
      addr_address_start_date: from,
      addr_address_end_date: until,
      addr_address_postcode: postcode,
      addr_address_json: JSON.stringify({
        ROOM: '',
        FLOOR: '',
        FLAT: '',
        BUILDING: '',
        HOUSE: '',
        STREET: address ?? '',
        TOWN: '',
        UPRN: uprn ?? '',
        EASTING: '',
        NORTHING: '',
      }),
    });
  }

  for (const each of byId(family.contacts?.nodes)) {
    const persons = [...new Set((each.children ?? []).map(({ person }) => who(person)).filter((id): id is string => id !== null))].sort();
    for (const id of persons) {
      const row = `${plainId(each.id)}${persons.length > 1 ? `x${persons.indexOf(id) + 1}` : ''}`;
      put('ssd_contacts', {
        cont_contact_id: row,
        cont_person_id: id,
        cont_contact_date: each.receivedOn,
        cont_contact_source_code: code('ssd_contacts', 'cont_contact_source_code', row, each.source, each.receivedOn),
        cont_contact_source_desc: each.source?.label ?? null,
        cont_contact_outcome_json: each.outcome ? JSON.stringify({ [`${each.outcome.code}_FLAG`]: 'Y' }) : null,
      });
    }
  }

  const episodes = byId(family.episodes);
  /** The episode of a child in which a day lies: the last one that began by then. */
  const referralOf = (person: { id: string } | null, on: string | null): string | null => {
    const mine = episodes.filter((each) => each.person?.id === person?.id && on !== null && each.referred <= on);
    mine.sort((a, b) => (a.referred < b.referred ? -1 : 1));
    return of(mine.at(-1) ?? null);
  };
  const plans = byId(family.plans);
  for (const each of plans.filter(({ kind }) => kind === 'EARLY_HELP'))
    put('ssd_early_help_episodes', {
      earl_episode_id: plainId(each.id),
      earl_person_id: who(each.person),
      earl_episode_start_date: each.started,
      earl_episode_end_date: each.ended,
      earl_episode_end_reason: code('ssd_early_help_episodes', 'earl_episode_end_reason', plainId(each.id), each.endReason, each.ended),
      earl_episode_organisation: team,
      earl_episode_worker_id: worker,
    });
  const assessments = byId(family.assessments?.nodes);
  for (const each of episodes) {
    const id = plainId(each.id);
    const assessed = assessments.some(({ person, started }) => person?.id === each.person?.id && referralOf(person, started) === id);
    put('ssd_cin_episodes', {
      cine_referral_id: id,
      cine_person_id: who(each.person),
      cine_referral_date: each.referred,
      cine_cin_primary_need_code: code('ssd_cin_episodes', 'cine_cin_primary_need_code', id, each.primaryNeed, each.referred),
      cine_referral_source_code: code('ssd_cin_episodes', 'cine_referral_source_code', id, each.source, each.referred),
      cine_referral_source_desc: each.source?.label ?? null,
      cine_referral_outcome_json: flags(REFERRAL_FLAGS, [
        ...(assessed ? ['assessment'] : []),
        ...(each.noFurtherAction ? ['no-further-action'] : []),
      ]),
      cine_referral_nfa: flag(each.noFurtherAction),
      cine_close_reason: code('ssd_cin_episodes', 'cine_close_reason', id, each.closureReason, each.closed),
      cine_close_date: each.closed,
      cine_referral_team: team,
      cine_referral_worker_id: worker,
    });
  }
  for (const each of assessments) {
    const id = plainId(each.id);
    const outcomes = (each.findings?.outcomes ?? [])
      .flatMap(({ outcome }) => code('ssd_cin_assessments', 'cina_assessment_outcome_json', id, outcome, each.authorisedOn) ?? [])
      .sort();
    put('ssd_cin_assessments', {
      cina_assessment_id: id,
      cina_person_id: who(each.person),
      cina_referral_id: referralOf(each.person, each.started),
      cina_assessment_start_date: each.started,
      cina_assessment_child_seen: flag(each.findings?.childSeen),
      cina_assessment_auth_date: each.authorisedOn,
      cina_assessment_outcome_json: each.findings ? flags(ASSESSMENT_FLAGS, outcomes) : null,
      cina_assessment_outcome_nfa: each.findings ? flag(outcomes.includes('no-further-action')) : null,
      cina_assessment_team: team,
      cina_assessment_worker_id: worker,
    });
    const factors = (each.findings?.factors ?? []).flatMap(
      ({ factor }) => code('ssd_assessment_factors', 'cinf_assessment_factors_json', id, factor, each.authorisedOn) ?? [],
    );
    if (factors.length > 0)
      put('ssd_assessment_factors', {
        cinf_table_id: made('factors', id),
        cinf_assessment_id: id,
        cinf_assessment_factors_json: JSON.stringify([...new Set(factors)].sort()),
      });
  }
  for (const each of plans.filter(({ kind }) => kind === 'CHILD_IN_NEED'))
    put('ssd_cin_plans', {
      cinp_cin_plan_id: plainId(each.id),
      cinp_referral_id: referralOf(each.person, each.started),
      cinp_person_id: who(each.person),
      cinp_cin_plan_start_date: each.started,
      cinp_cin_plan_end_date: each.ended,
      cinp_cin_plan_team: team,
      cinp_cin_plan_worker_id: worker,
    });
  const visits = byId(family.visits?.nodes);
  for (const each of visits.filter(({ kind }) => kind === 'CHILD_IN_NEED'))
    put('ssd_cin_visits', {
      cinv_cin_visit_id: plainId(each.id),
      cinv_person_id: who(each.person),
      cinv_cin_visit_date: each.visited,
      cinv_cin_visit_seen: flag(each.seen),
      cinv_cin_visit_seen_alone: flag(each.seenAlone),
      cinv_cin_visit_bedroom: flag(each.bedroomSeen),
    });
  for (const each of byId(family.sections47)) {
    const id = plainId(each.id);
    const outcome = code('ssd_s47_enquiry', 's47e_s47_outcome_json', id, each.outcome, each.ended);
    put('ssd_s47_enquiry', {
      s47e_s47_enquiry_id: id,
      s47e_referral_id: referralOf(each.person, each.started),
      s47e_person_id: who(each.person),
      s47e_s47_start_date: each.started,
      s47e_s47_end_date: each.ended,
      s47e_s47_nfa: each.ended ? flag(outcome === 'no-further-action') : null,
      s47e_s47_outcome_json: outcome ? flags(ENQUIRY_FLAGS, [outcome]) : null,
      s47e_s47_completed_by_worker_id: each.ended ? worker : null,
      s47e_s47_completed_by_team: each.ended ? team : null,
    });
  }
  const conferences = byId(family.conferences).filter(({ kind }) => kind !== 'REVIEW');
  const protection = plans.filter(({ kind }) => kind === 'CHILD_PROTECTION');
  for (const each of conferences) {
    const id = plainId(each.id);
    const outcome = code('ssd_initial_cp_conference', 'icpc_icpc_outcome_json', id, each.outcome, each.held);
    const plan = protection.find(({ person, started }) => person?.id === each.person?.id && started === each.held);
    put('ssd_initial_cp_conference', {
      icpc_icpc_id: id,
      icpc_s47_enquiry_id: of(each.section47),
      icpc_person_id: who(each.person),
      icpc_cp_plan_id: of(plan ?? null),
      icpc_referral_id: referralOf(each.person, each.held),
      icpc_icpc_transfer_in: flag(each.kind === 'TRANSFER_IN'),
      icpc_icpc_target_date: each.target,
      icpc_icpc_date: each.held,
      icpc_icpc_outcome_cp_flag: outcome ? flag(outcome === 'child-protection-plan') : null,
      icpc_icpc_outcome_json: outcome ? flags(CONFERENCE_FLAGS, [outcome]) : null,
      icpc_icpc_team: team,
      icpc_icpc_worker_id: worker,
    });
  }
  for (const each of protection) {
    const id = plainId(each.id);
    const conference = conferences.find(({ person, held }) => person?.id === each.person?.id && held === each.started);
    put('ssd_cp_plans', {
      cppl_cp_plan_id: id,
      cppl_referral_id: referralOf(each.person, each.started),
      cppl_icpc_id: of(conference ?? null),
      cppl_person_id: who(each.person),
      cppl_cp_plan_start_date: each.started,
      cppl_cp_plan_end_date: each.ended,
      cppl_cp_plan_initial_category: code('ssd_cp_plans', 'cppl_cp_plan_initial_category', id, each.initialCategoryOfAbuse, each.started),
      cppl_cp_plan_latest_category: code('ssd_cp_plans', 'cppl_cp_plan_latest_category', id, each.categoryOfAbuse, each.ended),
    });
    const reviews = [...(each.reviews ?? [])].sort((a, b) => (`${a.due} ${a.held}` < `${b.due} ${b.held}` ? -1 : 1));
    for (const { due, held, quorate, participation, continues } of reviews)
      put('ssd_cp_reviews', {
        cppr_cp_review_id: made('review', id, due, held),
        cppr_person_id: who(each.person),
        cppr_cp_plan_id: id,
        cppr_cp_review_due: due,
        cppr_cp_review_date: held,
        cppr_cp_review_outcome_continue_cp: flag(continues),
        cppr_cp_review_quorate: flag(quorate),
        cppr_cp_review_participation: code('ssd_cp_reviews', 'cppr_cp_review_participation', id, participation, held),
      });
  }
  for (const each of visits.filter(({ kind }) => kind === 'CHILD_PROTECTION'))
    put('ssd_cp_visits', {
      cppv_cp_visit_id: plainId(each.id),
      cppv_person_id: who(each.person),
      cppv_cp_plan_id: of(each.plan),
      cppv_cp_visit_date: each.visited,
      cppv_cp_visit_seen: flag(each.seen),
      cppv_cp_visit_seen_alone: flag(each.seenAlone),
      cppv_cp_visit_bedroom: flag(each.bedroomSeen),
    });
  for (const each of byId(family.placements)) {
    const id = plainId(each.id);
    const care = made('care', who(each.person), each.lookedAfterSince ?? each.started);
    put('ssd_cla_episodes', {
      clae_cla_episode_id: made('episode of care', id),
      clae_person_id: who(each.person),
      clae_cla_placement_id: id,
      clae_entered_care_date: each.lookedAfterSince,
      clae_cla_id: care,
      clae_referral_id: referralOf(each.person, each.started),
      clae_cla_episode_start_date: each.started,
      clae_cla_episode_ceased_date: each.ended,
    });
    put('ssd_cla_placement', {
      clap_cla_placement_id: id,
      clap_cla_id: care,
      clap_person_id: who(each.person),
      clap_cla_placement_start_date: each.started,
      clap_cla_placement_end_date: each.ended,
      clap_cla_placement_type: code('ssd_cla_placement', 'clap_cla_placement_type', id, each.placementType, each.started),
      clap_cla_placement_postcode: each.postcode,
      clap_cla_placement_change_reason: code('ssd_cla_placement', 'clap_cla_placement_change_reason', id, each.changeReason, each.ended),
    });
    if (each.legalStatus)
      put('ssd_legal_status', {
        lega_legal_status_id: made('legal status', id),
        lega_person_id: who(each.person),
        lega_legal_status: code('ssd_legal_status', 'lega_legal_status', id, each.legalStatus, each.started),
        lega_legal_status_start_date: each.started,
        lega_legal_status_end_date: each.ended,
      });
  }
  for (const each of visits.filter(({ kind }) => kind === 'LOOKED_AFTER'))
    put('ssd_cla_visits', {
      clav_cla_visit_id: plainId(each.id),
      clav_person_id: who(each.person),
      clav_cla_id: null,
      clav_cla_visit_date: each.visited,
      clav_cla_visit_seen: flag(each.seen),
      clav_cla_visit_seen_alone: flag(each.seenAlone),
    });
  for (const each of byId(family.preProceedings))
    put('ssd_pre_proceedings', {
      prep_table_id: plainId(each.id),
      prep_person_id: who(each.person),
      prep_plo_family_id: familyId,
      prep_pre_pro_decision_date: each.started,
      prep_initial_pre_pro_meeting_date: each.firstMeeting,
      prep_pre_pro_outcome: code('ssd_pre_proceedings', 'prep_pre_pro_outcome', plainId(each.id), each.outcome, each.stepDecision),
      prep_agree_stepdown_issue_date: each.stepDecision,
      prep_pre_pro_letter_date: each.letterSent,
      prep_pre_pro_meetings_num: each.reviewMeetings,
    });
  const children = members
    .filter(({ role }) => role?.code === 'child' || role?.code === 'unborn-child')
    .map(({ person }) => ids.get(person.id) as string);
  for (const each of byId(family.involvements)) {
    const id = professional(each.practitioner, each.organisation?.code ?? null);
    if (each.organisation && !to.departments.has(each.organisation.code)) {
      to.departments.add(each.organisation.code);
      put('ssd_department', { dept_team_id: each.organisation.code, dept_team_name: each.organisation.name });
    }
    if (id && !to.professionals.has(id)) {
      to.professionals.set(id, each.practitioner as string);
      put('ssd_professionals', {
        prof_professional_id: id,
        prof_professional_name: each.practitioner,
        prof_professional_department: each.organisation?.code ?? null,
      });
    }
    const from = today(new Date(each.from));
    const until = each.until === null ? null : today(new Date(each.until));
    const about = each.person ? [who(each.person) as string] : [...new Set(children)];
    for (const person of about)
      put('ssd_involvements', {
        invo_involvements_id: made('involvement', each.id, person),
        invo_professional_id: id,
        invo_professional_role_id: code('ssd_involvements', 'invo_professional_role_id', plainId(each.id), each.role, from),
        invo_professional_team: each.organisation?.code ?? null,
        invo_involvement_start_date: from,
        invo_involvement_end_date: until,
        invo_person_id: person,
      });
  }
}
