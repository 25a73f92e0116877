/** An evidence pack as a page to be printed: what its published document answered, and nothing from anywhere else. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EvidencePackQuery } from '../graphql/operations/graphql.ts';
import { Html, html } from './html.ts';

export type Pack = Extract<NonNullable<EvidencePackQuery['node']>, { plans: unknown }>;

/** A field that the reader may not see in any family: an error of the answer. */
export type Refused = { field: string; at: string };

const STYLE = readFileSync(new URL('./evidence-pack.css', import.meta.url), 'utf8');

/** The page has no scripts and loads nothing; its one style is known by its hash. */
export const CONTENT_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;

const PURPOSES: Record<NonNullable<Pack['purpose']>, string> = {
  CONFERENCE: 'a child protection conference',
  REVIEW: 'a review',
  PRE_PROCEEDINGS: 'pre-proceedings',
  COURT: 'court',
};

type Name = { givenName: string | null; familyName: string | null } | null;

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
const moment = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'Europe/London',
});
const on = (date: string | null): string | null => date && day.format(new Date(`${date}T00:00:00Z`));
const at = (time: string | null): string | null => time && moment.format(new Date(time));

/** `CHILD_PROTECTION` as words. */
const words = (value: string | null): string | null => value?.toLowerCase().replaceAll('_', ' ') ?? null;

/** `capacityForChange` as words. */
const fieldWords = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z0-9])/g, ' ').toLowerCase();

const name = (person: Name): string | null => (person && [person.givenName, person.familyName].filter(Boolean).join(' ')) || null;
const names = (persons: Name[] | null): string | null => persons?.map(name).filter(Boolean).join(', ') || null;
const yes = (value: boolean | null, ifTrue: string, ifFalse: string | null = null): string | null =>
  value === null ? null : value ? ifTrue : ifFalse;

/** Several facts in one line; those that are not there leave no trace. */
const line = (...facts: (string | null | undefined | false)[]): Html | null => {
  const there = facts.filter((fact) => fact);
  return there.length > 0 ? html`<p>${there.join(' · ')}</p>` : null;
};
const text = (label: string, value: string | null): Html | null =>
  value ? html`<p class="text"><strong>${label}:</strong> ${value}</p>` : null;
const quote = (said: string | null, who: string | null = null): Html | null =>
  said ? html`<blockquote class="text">“${said}”${who && ` — ${who}`}</blockquote>` : null;
const items = (of: (Html | string | null)[] | undefined): Html | null => {
  const there = (of ?? []).filter((each) => each !== null && each !== '');
  return there.length > 0 ? html`<ul>${there.map((each) => html`<li>${each}</li>`)}</ul>` : null;
};
const period = (from: string | null, to: string | null): string | null =>
  from || to ? [on(from) ?? 'the beginning', on(to) ?? 'today'].join(' to ') : null;
const since = (from: string | null, until: string | null): string | null => from && `${on(from)} to ${on(until) ?? 'today'}`;
const withheldHere = (of: { field: string }[]): Html | null =>
  of.length > 0 ? html`<p class="note">Withheld here: ${of.map(({ field }) => fieldWords(field)).join(', ')}.</p>` : null;

const article = (heading: (string | null | undefined | false)[], ...body: (Html | null)[]): Html =>
  html`<article class="short"><h3>${heading.filter(Boolean).join(' · ')}</h3>${body}</article>\n`;

const table = (head: string[], rows: (string | number | null)[][]): Html =>
  html`<table><thead><tr>${head.map((each) => html`<th scope="col">${each}</th>`)}</tr></thead><tbody>${rows.map(
    (cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table>`;

type Connection<T> = { totalCount: { value: number }; nodes: T[] | null } | null;

/** A section over a list: null where the reader may not see it, which is said; an empty one says that, too. */
function section<T>(title: string, of: T[] | null, body: (rows: T[]) => Html | Html[], apart = false): Html {
  const inside = of === null ? html`<p class="note">Withheld.</p>` : of.length === 0 ? html`<p class="note">None.</p>` : body(of);
  return html`<section${apart && new Html(' class="apart"')}><h2>${title}</h2>${inside}</section>\n`;
}

/** The same over a page, with how many there are beyond it. */
function paged<T>(title: string, of: Connection<T>, body: (rows: T[]) => Html | Html[], apart = false): Html {
  const shown = of?.nodes?.length ?? 0;
  const more = of && of.totalCount.value > shown && html`<p class="note">The latest ${shown} of ${of.totalCount.value}.</p>`;
  return section(title, of?.nodes ?? null, (rows) => html`${more || null}${body(rows)}`, apart);
}

function sections(pack: Pack): Html[] {
  return [
    section('Safety', pack.safety, (rows) =>
      rows.map((each) =>
        article(
          [each.kind?.label, since(each.from, each.ended ?? each.until)],
          text('What to do', each.instruction),
          line(each.issuer && `Set by ${each.issuer}`),
          items((each.persons ?? []).map(({ person, part }) => [name(person), words(part)].filter(Boolean).join(': '))),
        ),
      ),
    ),
    section('Plans and reviews', pack.plans, (rows) =>
      rows.map((each) =>
        article(
          [name(each.person), words(each.kind), since(each.started, each.ended)],
          line(each.categoryOfAbuse?.label, each.endReason && `Ended: ${each.endReason.label}`),
          items(
            each.reviews?.map((review) =>
              [
                review.held ? `Reviewed ${on(review.held)}` : `Review due ${on(review.due)}`,
                yes(review.quorate, 'quorate', 'not quorate'),
                review.participation?.label,
                yes(review.continues, 'goes on', 'ends'),
                review.outcome,
              ]
                .filter(Boolean)
                .join(' · '),
            ),
          ),
        ),
      ),
    ),
    section('The family’s own plan', pack.familyPlans, (rows) =>
      rows.map((each) =>
        article(
          [since(each.opened, each.ended)],
          quote(each.familySaid, 'the family'),
          items(
            each.goals?.map(
              (goal) =>
                html`${[name(goal.person), goal.goal].filter(Boolean).join(': ')}${goal.reached && ` (reached ${on(goal.reached)})`}${items(
                  goal.actions?.map((action) =>
                    [
                      action.action,
                      name(action.person) ?? action.organisation?.name,
                      action.done ? `done ${on(action.done)}` : action.due && `due ${on(action.due)}`,
                    ]
                      .filter(Boolean)
                      .join(' · '),
                  ),
                )}`,
            ),
          ),
          items(
            each.reviews?.map((review) =>
              [`Reviewed ${on(review.reviewed)}`, review.outcome, review.familySaid].filter(Boolean).join(' · '),
            ),
          ),
        ),
      ),
    ),
    section('Steps up and down', pack.steps, (rows) =>
      rows.map((each) =>
        article(
          [on(each.on), name(each.person), `${words(each.from) ?? 'no plan'} to ${words(each.to) ?? '?'}`],
          line(each.reason?.label),
          text('Decision', each.decision),
        ),
      ),
    ),
    section('Strategy discussions', pack.strategyDiscussions, (rows) =>
      rows.map((each) => article([on(each.held), name(each.person), each.outcome?.label], text('Reasons', each.reasons))),
    ),
    section('Section 47 enquiries', pack.sections47, (rows) =>
      rows.map((each) => article([since(each.started, each.ended), name(each.person), each.outcome?.label], text('Reasons', each.reasons))),
    ),
    section('Conferences', pack.conferences, (rows) =>
      rows.map((each) =>
        article(
          [on(each.held), words(each.kind), name(each.person), each.outcome?.label],
          line(each.chair && `Chair: ${each.chair}`, yes(each.quorate, 'quorate', 'not quorate')),
          text('The chair’s view', each.chairsView),
        ),
      ),
    ),
    section('Pre-proceedings', pack.preProceedings, (rows) =>
      rows.map((each) =>
        article(
          [on(each.started), name(each.person), each.outcome?.label],
          line(
            each.letterSent && `Letter before proceedings ${on(each.letterSent)}`,
            yes(each.familyGroupOffered, 'family group offered', 'family group not offered'),
            each.firstMeeting && `first meeting ${on(each.firstMeeting)}`,
            each.reviewMeetings !== null && `${each.reviewMeetings} review meetings`,
            each.stepDecision && `decision to step ${on(each.stepDecision)}`,
          ),
          line(
            each.courtApplied && `Application to the court ${on(each.courtApplied)}`,
            each.courtReference,
            each.finalOrder && `final order ${on(each.finalOrder)}`,
          ),
          text('Reasons', each.outcomeReasons),
          items(
            each.assessments?.map(({ kind, asked, received }) =>
              [kind?.label, asked && `asked ${on(asked)}`, received && `received ${on(received)}`].filter(Boolean).join(' · '),
            ),
          ),
          withheldHere(each.withheld),
        ),
      ),
    ),
    paged(
      'Assessments',
      pack.assessments,
      (rows) =>
        rows.map((each) =>
          article(
            [each.kind?.label, name(each.person), since(each.started, each.authorisedOn), words(each.status)],
            line(
              yes(each.findings?.childSeen ?? null, 'Child seen', 'Child not seen'),
              yes(each.findings?.seenAlone ?? null, 'seen alone', 'not seen alone'),
              each.findings?.outcomes?.map(({ outcome }) => outcome?.label).join(', '),
            ),
            items(each.findings?.factors?.map(({ factor, person }) => [factor?.label, name(person)].filter(Boolean).join(': '))),
            text('Analysis', each.findings?.analysis ?? null),
          ),
        ),
      true,
    ),
    paged('Specialist assessments', pack.specialistAssessments, (rows) =>
      rows.map((each) =>
        article(
          [each.kind?.name, name(each.person), on(each.orderedOn)],
          line(each.assessor?.name ?? each.assessorName, each.receivedOn && `received ${on(each.receivedOn)}`),
          text('Asked', each.question),
          text('Conclusion', each.conclusion),
        ),
      ),
    ),
    paged('Capacity for change', pack.capacityForChange, (rows) =>
      table(
        ['Day', 'Who', 'What', 'Stage of change', 'Capacity, 1 to 5', 'Moved since the first'],
        rows.map((each) => [
          on(each.observedOn),
          name(each.person),
          each.behaviour?.label ?? null,
          words(each.stageOfChange),
          each.capacityForChange,
          each.movedSinceFirst,
        ]),
      ),
    ),
    paged(
      'Workbook',
      pack.workbook,
      (rows) =>
        rows.map(
          (each) => html`<article><h3>${[at(each.occurred), each.module, each.sessionType?.label].filter(Boolean).join(' · ')}</h3>
${line([each.author, each.discipline?.label, each.organisation?.name].filter(Boolean).join(', '), names(each.persons) && `About ${names(each.persons)}`)}
${each.narrative && html`<p class="text">${each.narrative}</p>`}
${each.childWords?.map((said) => quote(said.words, name(said.person)))}${each.parentWords?.map((said) => quote(said.words, name(said.person)))}
${each.concern && text(each.concern.urgent ? 'Urgent concern' : 'Concern', each.concern.text)}</article>\n`,
        ),
      true,
    ),
    section('Change by tools', pack.toolChanges, (rows) =>
      table(
        ['Tool', 'Who', 'First', 'Latest', 'Change', 'Meaning', 'By which rule'],
        rows.map((each) => [
          each.tool?.name ?? null,
          name(each.person) ?? 'the family',
          each.first && [on(each.first.on), each.first.metric ?? each.first.total].filter((part) => part !== null).join(': '),
          each.latest && [on(each.latest.on), each.latest.metric ?? each.latest.total].filter((part) => part !== null).join(': '),
          each.change,
          [words(each.direction), yes(each.meaningful, 'meaningful', 'not meaningful')].filter(Boolean).join(', '),
          each.rule,
        ]),
      ),
    ),
    paged('Readings of tools', pack.toolReadings, (rows) =>
      table(
        ['Day', 'Tool', 'Who', 'Score', 'Band', 'By'],
        rows.map((each) => [
          on(each.on),
          each.tool?.name ?? null,
          name(each.person) ?? 'the family',
          each.metric ?? each.total,
          each.band?.label ?? null,
          each.author,
        ]),
      ),
    ),
    paged('Interventions', pack.interventions, (rows) =>
      rows.map((each) =>
        article(
          [name(each.person), each.programme?.name, each.provider?.name, words(each.status)],
          line(
            each.requested && `asked for ${on(each.requested)}`,
            each.started && `started ${on(each.started)}`,
            each.ended && `ended ${on(each.ended)}`,
            each.sessions !== null && `${each.sessions} sessions attended`,
          ),
          text('Outcome', each.outcome),
          items(
            each.events?.map((event) => [on(event.on), words(event.kind), event.substance?.label, event.note].filter(Boolean).join(' · ')),
          ),
          items(
            each.tests?.map((test) =>
              [on(test.on), `${words(test.kind)} test`, test.substance?.label, words(test.result)].filter(Boolean).join(' · '),
            ),
          ),
          withheldHere(each.withheld),
        ),
      ),
    ),
    paged('Meetings', pack.meetings, (rows) =>
      rows.map((each) =>
        article(
          [at(each.at), each.kind?.name],
          line(each.chair && `Chair: ${each.chair}`),
          items(
            each.attendance?.map((there) =>
              [there.name ?? name(there.person), there.organisation?.name, words(there.status)].filter(Boolean).join(' · '),
            ),
          ),
          text('Notes', each.notes),
        ),
      ),
    ),
    paged('Decisions', pack.decisions, (rows) =>
      rows.map((each) =>
        article(
          [on(each.on), each.kind?.label, name(each.person)],
          text('Decided', each.what),
          text('Reason', each.reason),
          line(
            each.decidedBy && `By ${[each.decidedBy, each.role].filter(Boolean).join(', ')}`,
            each.overseenBy && `seen by ${each.overseenBy}`,
          ),
        ),
      ),
    ),
    ...[['Children’s voices', pack.childVoices] as const, ['Adults’ voices', pack.adultVoices] as const].map(([title, voices]) =>
      paged<NonNullable<NonNullable<Pack['childVoices'] | Pack['adultVoices']>['nodes']>[number]>(title, voices, (rows) =>
        rows.map((each) =>
          article(
            [on(each.on), name(each.person)],
            quote(each.words),
            text('Wants', each.wants),
            line(each.heardBy && `Heard by ${each.heardBy}`),
            items(each.answers?.map((answer) => [on(answer.on), answer.done].filter(Boolean).join(' · '))),
          ),
        ),
      ),
    ),
  ];
}

/** What of the pack the reader may not see: for this family, or in any. */
function notShown(pack: Pack, refused: readonly Refused[]): Html {
  const withheld = pack.withheld.map(({ field, ask }) => `${fieldWords(field)} (ask the ${words(ask)})`);
  const closed = [...new Set(refused.map(({ field }) => fieldWords(field.split('.').at(-1) as string)))];
  if (withheld.length + closed.length === 0) return html`<p class="note">Nothing of it is withheld from who read it for this page.</p>`;
  return html`<p class="note">Withheld from who read it for this page: ${[...withheld, ...closed].join(', ')}.</p>`;
}

/** The whole page. @param read when it was read. */
export function evidencePage(pack: Pack, refused: readonly Refused[], read: Date): string {
  const { recipient, family } = pack;
  const facts: [string, string | null][] = [
    ['Family', [family?.name, family?.reference].filter(Boolean).join(', ') || null],
    ['Prepared for', name(recipient?.person ?? null) ?? recipient?.organisation?.name ?? recipient?.name ?? null],
    ['For the purpose of', pack.purpose && PURPOSES[pack.purpose]],
    ['Period', period(pack.from, pack.to) ?? 'the whole record'],
    ['Prepared by', [pack.preparedBy, pack.organisation?.name].filter(Boolean).join(', ') || null],
    ['Prepared', at(pack.preparedAt)],
    ['Read', at(read.toISOString())],
  ];
  const title = 'Evidence pack';
  return page(
    title,
    html`<header><h1>${title}</h1><dl>${facts.map(([label, value]) => value && html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>
<p class="note">What the record held when this page was read, as far as its reader may see it and its recipient may be given it.</p>
${notShown(pack, refused)}</header>
<main>${sections(pack)}</main>`,
  );
}

/** The one answer where there is no pack, and where there is none for this reader. */
export const missingPage = (): string =>
  page('Not found', html`<main><h1>Not found</h1><p>There is no such evidence pack for you.</p></main>`);

/** The policy stands in the page, too: one that a browser shows from memory has no headers. */
export function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}
