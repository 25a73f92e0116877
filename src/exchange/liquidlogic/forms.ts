/**
 * Answers of LiquidLogic forms (`FACT_FORM_ANSWERS`, joined to their forms) as Workbook entries, by a map that is data. What the reporting
 * database does that a reader has to survive stands with each step.
 */
import { createHash } from 'node:crypto';
import type { WorkbookEntryRecordInput } from '../../graphql/generated.ts';
import { again, fromLondon, toLondon } from './london.ts';

/** How a value is found: the answer to a question, put into our words. */
export type ValueMap = {
  question?: string;
  /** Several answers, one after the other, each under its question. */
  questions?: string[];
  /** Answers, however they are written, and what they are here; others are passed on as they stand. */
  values?: Record<string, string>;
  /** Where nothing was answered. */
  otherwise?: string;
};

export type TemplateMap = {
  /** `DIM_ASSESSMENT_TEMPLATE_ID_DESC`. */
  template: string;
  /** `DIM_LOOKUP_FORM_TYPE_ID_CODE`; none: of any type. */
  formTypes?: string[];
  /** Questions whose answers tell one form of a person from another of the same template. */
  identity: string[];
  module: ValueMap;
  discipline: ValueMap;
  sessionType: ValueMap;
  /** Without an answer the form's end, and without one its last answer. */
  occurred: ValueMap;
  author?: ValueMap;
  narrative?: ValueMap;
  childWords?: ValueMap;
  parentWords?: ValueMap;
  readings?: {
    behaviour: string;
    /** `ANSWER_NO` of the box that has to be ticked for it. */
    tick?: string;
    stageOfChange: ValueMap;
    capacityForChange?: ValueMap;
    engagement?: ValueMap;
  }[];
};

export type FormMap = {
  /** Counts the changes of the map: what it reads otherwise is written anew. */
  edition: number;
  /** Codes of `DIM_LOOKUP_STEP_SUBSTATUS_CODE` whose forms are left out: drafts, what was cancelled. */
  leftOut: string[];
  /** The column that says of a person that they are another's duplicate. */
  duplicate: string;
  templates: TemplateMap[];
};

/** A row, by its columns. */
export type AnswerRow = Record<string, string>;

export type FormFault = { form: string; path: string; rule: string; message: string };

export type FormsRead = {
  entries: WorkbookEntryRecordInput[];
  /** What could not be read, and is left out. */
  faults: FormFault[];
  forms: number;
  /** Forms left out on purpose: drafts, cancelled, of a template that the map does not have, nobody's, unchanged since the mark. */
  passedOver: number;
  /** From where the next pull goes on, as a clock in London; null where nothing was answered. */
  mark: string | null;
};

type Answer = { person: string; question: string; number: string; answer: string; at: number; id: string };
type Form = { id: string; template: string; type: string; status: string; ends: string; family: string; answers: Answer[] };

const word = (text: string) => text.trim().replace(/\s+/g, ' ').toLowerCase();
const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64url');

/** The source's word for nobody and nothing. */
const isNone = (id: string | undefined) => id === undefined || id.trim() === '' || id.trim() === '-1';
const isYes = (text: string | undefined) => ['y', 'yes', 'true', '1'].includes(word(text ?? ''));

/** A number that may be kept as text; null for what is none. */
export function safeNumber(text: string): number | null {
  const found = /^[+]?(\d{1,9})(?:\.0*)?$/.exec(text.trim());
  return found ? Number(found[1]) : null;
}

const HOUR = 3_600_000;

/** The latest of a row's clock that is the same an hour later: a pull goes on before it. */
const BACK = HOUR;

/**
 * Reads answers.
 *
 * @param rows in any order; each form is to be there with all of its answers.
 * @param since forms that nobody has answered since are passed over; as a clock in London.
 */
export async function readForms(rows: AsyncIterable<AnswerRow>, map: FormMap, since: string | null = null): Promise<FormsRead> {
  const read: FormsRead = { entries: [], faults: [], forms: 0, passedOver: 0, mark: null };
  const forms = new Map<string, Form>();
  let last = Number.NEGATIVE_INFINITY;
  for await (const row of rows) {
    const id = row.FACT_FORM_ID ?? '';
    const person = row.DIM_PERSON_ID ?? '';
    if (isNone(id)) continue;
    let form = forms.get(id);
    if (!form) {
      form = {
        id,
        template: row.DIM_ASSESSMENT_TEMPLATE_ID_DESC ?? '',
        type: row.DIM_LOOKUP_FORM_TYPE_ID_CODE ?? '',
        status: row.DIM_LOOKUP_STEP_SUBSTATUS_CODE ?? '',
        ends: row.FormEndDate ?? '',
        family: '',
        answers: [],
      };
      forms.set(id, form);
    }
    if (isNone(person) || isYes(row[map.duplicate])) continue;
    if (!isNone(row.DIM_LOOKUP_FAMILYOFRESIDENCE_ID)) form.family = (row.DIM_LOOKUP_FAMILYOFRESIDENCE_ID as string).trim();
    const at = fromLondon(row.ANSWERED_DTTM ?? '');
    if (!at) {
      read.faults.push({ form: id, path: '/ANSWERED_DTTM', rule: 'NO_TIME', message: 'It is no time of a clock; the answer is left out.' });
      continue;
    }
    form.answers.push({
      person: person.trim(),
      question: word(row.DIM_ASSESSMENT_TEMPLATE_QUESTION_ID_DESC ?? ''),
      number: word(row.ANSWER_NO ?? ''),
      answer: (row.ANSWER ?? '').trim(),
      at: at.moment,
      id: row.FACT_FORM_ANSWER_ID ?? '',
    });
  }
  const mark = since === null ? null : fromLondon(since);
  for (const form of forms.values()) {
    read.forms++;
    inOrder(form.answers);
    const latest = Math.max(...form.answers.map(({ at }) => at));
    if (Number.isFinite(latest)) last = Math.max(last, latest);
    const template = map.templates.find(
      (each) => word(each.template) === word(form.template) && (!each.formTypes || each.formTypes.includes(form.type.trim())),
    );
    const out = map.leftOut.includes(form.status.trim().toUpperCase());
    if (!template || out || form.answers.length === 0 || (mark && latest < mark.moment)) {
      read.passedOver++;
      continue;
    }
    const made = entryOf(form, template, map, latest);
    read.faults.push(...made.faults);
    if (made.entry) read.entries.push(made.entry);
  }
  // Two forms that say that they are one: the one that was answered later counts.
  const single = new Map<string, WorkbookEntryRecordInput>();
  for (const entry of read.entries) {
    const other = single.get(entry.sourceId);
    if (!other || stateKey(entry) > stateKey(other)) single.set(entry.sourceId, entry);
  }
  read.entries = [...single.values()].sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1));
  read.faults.sort((a, b) => (`${a.form} ${a.path}` < `${b.form} ${b.path}` ? -1 : 1));
  // When the clocks go back, what is answered next may be marked with an earlier time.
  read.mark = Number.isFinite(last) ? toLondon(last - BACK) : since;
  return read;
}

const stateKey = (entry: WorkbookEntryRecordInput) => `${entry.changed} ${digest(entry)}`;

/**
 * In the hour that the clock shows twice, answers came in the order of their ids: where the clock goes back between two of them, the second
 * and all after it were given in the hour's second run.
 */
function inOrder(answers: Answer[]): void {
  const twice = answers.filter(({ at }) => fromLondon(toLondon(at))?.twice === true);
  twice.sort((a, b) => Number(a.id) - Number(b.id) || a.at - b.at);
  let before = Number.NEGATIVE_INFINITY;
  let second = false;
  for (const answer of twice) {
    const shown = answer.at;
    if (shown < before) second = true;
    before = shown;
    if (second) answer.at = again({ moment: shown, twice: true });
  }
}

function entryOf(
  form: Form,
  template: TemplateMap,
  map: FormMap,
  latest: number,
): { entry: WorkbookEntryRecordInput | null; faults: FormFault[] } {
  const faults: FormFault[] = [];
  const fault = (path: string, rule: string, message: string) => faults.push({ form: form.id, path: `/${path}`, rule, message });
  const persons = [...new Set(form.answers.map(({ person }) => person))].sort();
  // Of several answers to one question the latest counts; of two at once neither is the later, and the same one is always taken.
  const answered = new Map<string, Answer>();
  const ticked = new Map<string, Answer>();
  const keep = (kept: Map<string, Answer>, key: string, answer: Answer) => {
    const other = kept.get(key);
    if (!other || answer.at > other.at || (answer.at === other.at && answer.answer > other.answer)) kept.set(key, answer);
  };
  for (const answer of form.answers) {
    if (answer.question !== '') keep(answered, `${answer.person} ${answer.question}`, answer);
    if (answer.number !== '') keep(ticked, `${answer.person} ${answer.number}`, answer);
  }
  const answerTo = (question: string, person: string | null): string | null => {
    for (const who of person === null ? persons : [person]) {
      const found = answered.get(`${who} ${word(question)}`)?.answer;
      if (found) return found;
    }
    return null;
  };
  const inOurWords = (answer: string, { values = {} }: ValueMap) =>
    Object.entries(values).find(([theirs]) => word(theirs) === word(answer))?.[1] ?? answer;
  const valueBy = (value: ValueMap | undefined, person: string | null = null): string | null => {
    if (!value) return null;
    if (value.questions) {
      const parts = value.questions.flatMap((question) => {
        const answer = answerTo(question, person);
        return answer === null ? [] : [value.questions?.length === 1 ? answer : `${question}: ${answer}`];
      });
      return parts.length > 0 ? parts.join('\n\n') : (value.otherwise ?? null);
    }
    const answer = value.question === undefined ? null : answerTo(value.question, person);
    return answer === null ? (value.otherwise ?? null) : inOurWords(answer, value);
  };

  const occurred = [valueBy(template.occurred), form.ends].map((text) => (text ? fromLondon(text) : null)).find((time) => time !== null);
  const asked = valueBy(template.occurred);
  if (asked !== null && !fromLondon(asked))
    fault('occurred', 'NO_TIME', 'It is no time of a clock; the form’s end is taken, or its last answer.');
  const readings = (template.readings ?? []).flatMap(({ behaviour, tick, stageOfChange, capacityForChange, engagement }) =>
    persons.flatMap((person) => {
      if (tick !== undefined && word(ticked.get(`${person} ${word(tick)}`)?.answer ?? '') !== 'yes') return [];
      const stage = valueBy(stageOfChange, person);
      if (stage === null) return [];
      const said = valueBy(capacityForChange, person);
      const capacity = said === null ? null : safeNumber(said);
      if (said !== null && capacity === null)
        fault(`readings/${behaviour}/capacityForChange`, 'NO_NUMBER', 'It is no number; it is left out.');
      return [{ person, behaviour, stageOfChange: stage, capacityForChange: capacity, engagement: valueBy(engagement, person) }];
    }),
  );
  const words = (value: ValueMap | undefined) =>
    value
      ? persons.flatMap((person) => {
          const said = valueBy(value, person);
          return said === null ? [] : [{ person, words: said }];
        })
      : [];
  const required = {
    module: valueBy(template.module),
    discipline: valueBy(template.discipline),
    sessionType: valueBy(template.sessionType),
  };
  for (const [name, value] of Object.entries(required))
    if (value === null) fault(name, 'NOT_ANSWERED', 'Nothing was answered; the form is left out.');
  const { module, discipline, sessionType } = required;
  if (module === null || discipline === null || sessionType === null) return { entry: null, faults };
  // Ids are given anew overnight: a form is the one of this template, about these people, with these answers.
  const identity = template.identity.map((question) => word(answerTo(question, null) ?? ''));
  const known = identity.some((each) => each !== '') ? identity : [String(Math.min(...form.answers.map(({ at }) => at)))];
  return {
    entry: {
      sourceId: `form ${digest([word(template.template), persons, known])}`,
      changed: new Date(latest).toISOString(),
      version: map.edition,
      family: form.family || null,
      author: valueBy(template.author),
      module,
      discipline,
      sessionType,
      occurred: new Date(occurred ? occurred.moment : latest).toISOString(),
      persons,
      narrative: valueBy(template.narrative),
      readings,
      childWords: words(template.childWords),
      parentWords: words(template.parentWords),
    },
    faults,
  };
}
