/** The sharing agreement as people read it, and what a client would see of a family. Pages without scripts, for screen and paper. */
import {
  ACTS,
  AGREEMENT,
  AGREEMENT_VERSION,
  type Level,
  OWN_FAMILIES,
  PURPOSE_NAMES,
  purposeRule,
  ROLE_CLOSES,
  ROLES_FOR,
  WRITERS,
} from '../access/agreement.ts';
import { AGENCIES, PERSONAL_CLASSES } from '../access/classes.ts';
import { AGENCY_NAME } from '../access/describe.ts';
import type { Cell, MatrixRow } from '../access/matrix.ts';
import type { AccessExplanation, AgencyView, FieldVerdict } from '../graphql/generated.ts';
import { type Html, html } from './html.ts';
import { contentPolicy, documentOf, styleOf, tables } from './page.ts';

const STYLE = styleOf('page.css');

export const CONTENT_POLICY = contentPolicy(STYLE);

const LEVEL_WORDS: Record<Cell, [words: string, look: 'open' | 'part' | 'closed']> = {
  A: ['always', 'open'],
  D: ['by decision', 'part'],
  O: ['own rows', 'part'],
  'O/D': ['own rows, others by decision', 'part'],
  R: ['by role', 'part'],
  W: ['may write', 'open'],
  N: ['never', 'closed'],
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const document = (title: string, here: string, main: Html): string => documentOf({ title, here, style: STYLE, main });

let table = tables();

const levelCell = (level: Cell): Html => {
  const [words, look] = LEVEL_WORDS[level];
  return html`<td class="${look}">${words}</td>`;
};

const agencyHeads = AGENCIES.map((agency) => capital(AGENCY_NAME[agency]));

const key: [Level, string][] = [
  ['A', 'in families and of persons that the organisation works with'],
  ['D', 'only where a decision to share stands for this family or person'],
  ['O', 'what the organisation wrote, was sent or was assigned'],
  ['O/D', 'its own, and others’ where a decision says so'],
  ['R', 'to people in named roles of the organisation'],
  ['N', 'not through this platform; no decision opens it'],
];

/** `/sharing`: who gets which kind of data, for what, and who writes it. */
export function agreementPage(): string {
  table = tables();
  const classes = Object.entries(AGREEMENT);
  return document(
    'The sharing agreement',
    '/sharing',
    html`<p>Version <strong>${AGREEMENT_VERSION}</strong>, as this platform applies it: the page is made from what decides. A decision to
withhold wins over everything here. The agreement shipped with the product illustrates one county; it is not legal advice.</p>
<h2>Who sees which kind of data</h2>
<dl class="key">${key.map(([level, words]) => html`<dt>${capital(LEVEL_WORDS[level][0])}</dt><dd>${words}</dd>`)}</dl>
${table(
  'Kind of data, and each agency’s part in it',
  ['Class', 'What it is', ...agencyHeads],
  classes.map(([name, { what, levels }]) => [
    html`<span id="class-${name}">${name}</span>`,
    what,
    ...AGENCIES.map((agency) => levelCell(levels[agency])),
  ]),
)}
<p>For what is withheld one asks the family’s lead practitioner, or information governance: of
${classes
  .filter(([, { ask }]) => ask === 'INFORMATION_GOVERNANCE')
  .map(([name]) => name)
  .join(', ')} information governance.</p>
<h2>For which purpose</h2>
<p>Every request says for what it asks. It sees the lesser of the table above and its purpose.</p>
${table(
  'Purposes of use, and the most that each opens',
  ['Purpose', 'What for', 'Opens', 'Own rows only', 'Families'],
  PURPOSE_NAMES.map((name) => {
    const { what, opens, ownRows, stages, agreedOnly, role, singleRecord } = purposeRule(name);
    const list = (of: readonly string[]) =>
      of.length === PERSONAL_CLASSES.length ? 'every class about people' : of.length === 0 ? 'nothing about people' : of.join(', ');
    const rest = ownRows.filter((one) => !opens.includes(one));
    const where = [
      stages &&
        `at ${stages.only.join(', ')}${stages.marac ? ', or with an open MARAC' : ''}${stages.exempt.length > 0 ? `; of ${stages.exempt.map((agency) => AGENCY_NAME[agency]).join(' and ')} it is not asked` : ''}`,
      agreedOnly && 'persons who agreed',
      role && `for the role ${role}`,
      singleRecord && 'one person at a time',
    ].filter(Boolean);
    return [name, capital(what), list(opens), rest.length === 0 ? 'none' : list(rest), where.join('; ') || 'at any stage'];
  }),
)}
<h2>Roles</h2>
${table(
  'Classes that are opened by role',
  ['Class', 'Roles'],
  Object.entries(ROLES_FOR).map(([name, roles]) => [name, roles.join(', ')]),
)}
${table(
  'Roles that see less than their organisation',
  ['Role', 'May not see'],
  Object.entries(ROLE_CLOSES).map(([role, closes]) => {
    const closed = PERSONAL_CLASSES.filter(closes);
    return [role, closed.length === PERSONAL_CLASSES.length ? 'anything about people' : closed.join(', ')];
  }),
)}
<p>${`${capital(OWN_FAMILIES.roles.join(' and '))}: ${OWN_FAMILIES.what}. Not so with ${OWN_FAMILIES.except.join(', ')}.`}</p>
<h2>Who writes</h2>
<p>What was written is changed by whose row it is, and by nobody else.</p>
${table(
  'Who writes which class',
  ['Class', 'Agencies', 'Scope of the client'],
  Object.entries(WRITERS).map(([name, { agencies, scope }]) => [name, agencies.map((agency) => AGENCY_NAME[agency]).join(', '), scope]),
)}
${table(
  'Acts between organisations',
  ['Act', 'What it is', 'Agencies', 'Scope of the client'],
  Object.entries(ACTS).map(([name, { what, agencies, scope }]) => [
    name,
    capital(what),
    agencies.map((agency) => AGENCY_NAME[agency]).join(', '),
    scope,
  ]),
)}`,
  );
}

/** `/sharing/fields`: every field of the schema that has a class of its own, and every command, with what each agency has of it. */
export function fieldsPage(rows: MatrixRow[]): string {
  table = tables();
  const fields = rows.filter(({ name, dataClass }) => dataClass !== 'STRUCTURE' && !name.includes('('));
  const types = [...Map.groupBy(fields, ({ name }) => name.slice(0, name.indexOf('.')))];
  const inputs = new Set(types.filter(([, of]) => of.some(({ cells }) => Object.values(cells).includes('W'))).map(([type]) => type));
  const read = types.filter(([type]) => !inputs.has(type) && !/Filter$/.test(type));
  const commands = types.filter(([type]) => type === 'Mutation');
  const section = ([type, of]: [string, MatrixRow[]]) => html`<h3 id="${type}">${type === 'Mutation' ? 'Commands' : type}</h3>
${table(
  type === 'Mutation' ? 'Commands' : `Fields of ${type}`,
  ['Field', 'Class', ...agencyHeads],
  of.map(({ name, dataClass, rowClass, cells }) => [
    html`<code>${name.slice(type.length + 1)}</code>`,
    html`<td><a href="/sharing#class-${dataClass}">${dataClass}</a>${rowClass && ' †'}</td>`,
    ...AGENCIES.map((agency) => levelCell(cells[agency])),
  ]),
)}`;
  return document(
    'The sharing agreement, field by field',
    '/sharing/fields',
    html`<p>Version <strong>${AGREEMENT_VERSION}</strong>. A field is shared as its class is; what each class holds is on
<a href="/sharing">the agreement’s page</a>. † needs the row’s own class too: its programme’s, its service’s. “Never” means that the field is
not in that agency’s schema. Keys and connections have no class of their own: they are as visible as the object they stand on. What is
asked by (arguments, filters, input) is shared as the field that it names; the sharing matrix in the product’s documentation lists it all.</p>
<nav aria-label="Types"><ul>${[...read, ...commands].map(([type]) => html`<li><a href="#${type}">${type === 'Mutation' ? 'Commands' : type}</a></li>`)}</ul></nav>
<h2>What is read</h2>
${read.map(section)}
<h2>What is written</h2>
${commands.map(section)}`,
  );
}

export type FamilyForm = {
  family: string;
  person: string;
  client: string;
  agency: string;
  user: string;
  purpose: string;
  /** `Type.field`: the reasons of one field's verdict are asked for. */
  field: string;
  /** The one row of which they are. */
  row: string;
  /** As whom a reader without a token asks, where that may be chosen. */
  as: string;
};

/** As whom a reader without a token may ask: in development alone. */
export type Reader = { client: string; label: string };

type View = Pick<
  AgencyView,
  'client' | 'organisation' | 'agency' | 'user' | 'purpose' | 'agreementVersion' | 'others' | 'there' | 'steps' | 'fields'
>;

type Explanation = Pick<
  AccessExplanation,
  'field' | 'client' | 'organisation' | 'user' | 'purpose' | 'agreementVersion' | 'verdict' | 'steps'
>;

const VERDICTS: [FieldVerdict, string, string, 'open' | 'part' | 'closed'][] = [
  ['SEEN', 'seen', 'every row that is here, but for what is kept from somebody or has a class of its own', 'open'],
  ['OWN_ROWS_ONLY', 'own rows only', 'what the organisation wrote, was sent or was assigned', 'part'],
  ['WITHHELD', 'withheld', 'null, and named as withheld', 'closed'],
  ['NOT_SHARED', 'not shared', 'refused, or not there at all', 'closed'],
];

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'Europe/London' });

/** `/sharing/family`: a form, and what the client that it names would see. Names and verdicts; never values. */
export function familyPage(
  form: FamilyForm,
  fault: string | null,
  view: View | Explanation | null,
  readers: readonly Reader[] = [],
): string {
  table = tables();
  const field = (name: keyof FamilyForm, label: string, hint: string, required = false) =>
    html`<label for="${name}">${label}</label><input id="${name}" name="${name}" value="${form[name]}" autocomplete="off" aria-describedby="${name}-hint"${required && html` required`}><p class="note" id="${name}-hint">${hint}</p>`;
  return document(
    'What would they see of a family?',
    '/sharing/family',
    html`<p>For those who check who sees what. The answer is worked out by what decides, names fields and shows no values. That it was asked, of which family
and by whom, is on the disclosure record.</p>
${fault && html`<p class="fault" role="alert">${fault}</p>`}
<form method="get" action="/sharing/family">
${
  readers.length > 0 &&
  html`<label for="as">Ask as</label><select id="as" name="as">${readers.map(
    ({ client, label }) => html`<option value="${client}"${client === form.as && html` selected`}>${label}</option>`,
  )}</select><p class="note">People of the demonstration; elsewhere one asks with a token of one’s own.</p>`
}
${field('family', 'Family', 'The family’s id: Family-1', true)}
<label for="agency">Agency</label><select id="agency" name="agency"><option value="">(the client below)</option>${AGENCIES.map(
      (agency) => html`<option value="${agency}"${agency === form.agency && html` selected`}>${capital(AGENCY_NAME[agency])}</option>`,
    )}</select>
${field('client', 'or client', 'An application of an organisation: thames-valley-police-protection')}
${field('user', 'User', 'Who would work with it; empty: nobody')}
<label for="purpose">Purpose</label><select id="purpose" name="purpose"><option value="">(the client’s usual one)</option>${PURPOSE_NAMES.map(
      (purpose) => html`<option value="${purpose}"${purpose === form.purpose && html` selected`}>${purpose}</option>`,
    )}</select>
${field('person', 'Person', 'A member’s id, where it differs between members: Person-101')}
${field('field', 'Field', 'Why is one field seen, or not? Family.workbook. Empty: every field, without the reasons of each')}
${field('row', 'Row', 'One row of that field’s type, by its id: Intervention-1. Empty: its rows together')}
<button type="submit">Show</button>
</form>
${view && ('fields' in view ? seen(form, view) : why(form, view))}`,
  );
}

const reasons = (steps: View['steps']): Html =>
  html`<ul>${steps.map(({ words, from, until }) => html`<li>${words}${from && ` From ${day.format(new Date(from))}.`}${until && ` Until ${day.format(new Date(until))}.`}</li>`)}</ul>`;

/** The page's address with the form filled in so; what is empty is left out. */
const addressOf = (form: FamilyForm): string =>
  `/sharing/family?${new URLSearchParams(Object.entries(form).filter(([, value]) => value !== ''))}`;

/** The reasons of one field's verdict. */
function why(form: FamilyForm, { field, client, organisation, user, purpose, agreementVersion, verdict, steps }: Explanation): Html {
  const words = VERDICTS.find(([name]) => name === verdict)?.[1];
  return html`<h2>${field}${form.row && ` of ${form.row}`}: ${words}</h2>
<p>For ${organisation} and ${form.family}: as the client ${client}${user ? `, with the user ${user}` : ', without a user'}, for ${purpose}, under the agreement
${agreementVersion}. <a href="${addressOf({ ...form, client, agency: '', field: '', row: '' })}">Every field</a></p>
${reasons(steps)}`;
}

function seen(form: FamilyForm, { client, organisation, user, purpose, agreementVersion, others, there, steps, fields }: View): Html {
  const types = [...Map.groupBy(fields, ({ type }) => type)];
  const open = types.filter(([, of]) => of.some(({ verdict }) => verdict !== 'NOT_SHARED'));
  const closed = types.filter(([, of]) => of.every(({ verdict }) => verdict === 'NOT_SHARED')).map(([type]) => type);
  return html`<h2>${organisation} and ${form.family}${form.person && `, ${form.person}`}</h2>
<p>As the client ${client}${user ? `, with the user ${user}` : ', without a user'}, for ${purpose}, under the agreement ${agreementVersion}:
${there ? 'the family is there.' : html`<strong>the family is not there.</strong>`}</p>
${others.length > 0 && html`<p>This is one of ${others.length + 1} organisations of that agency that work with the family. For another, choose its client: ${others.map((other, i) => html`${i > 0 && ', '}<a href="${addressOf({ ...form, client: other, agency: '', user: '' })}">${other}</a>`)}.</p>`}
<h3>Why</h3>
${reasons(steps)}
${table(
  'In short',
  ['Verdict', 'What it means', 'Fields'],
  VERDICTS.map(([verdict, words, meaning]) => [capital(words), meaning, String(fields.filter((one) => one.verdict === verdict).length)]),
)}
${open.map(
  ([type, of]) => html`<h3>${type}</h3>
${table(
  `What they would see of ${type}`,
  ['Field', 'Class', 'Verdict'],
  of.map((one) => {
    const [, words, , look] = VERDICTS.find(([verdict]) => verdict === one.verdict) as (typeof VERDICTS)[number];
    return [
      html`<code>${one.field}</code>`,
      one.class,
      html`<td class="${look}"><a href="${addressOf({ ...form, client, agency: '', field: `${type}.${one.field}` })}">${words}</a>${!one.alike && ', and less of some members'}</td>`,
    ];
  }),
)}`,
)}
${closed.length > 0 && html`<h3>Nothing of</h3><p>${closed.join(', ')}</p>`}`;
}

/** The page for who has not said who they are. */
export const noTokenPage = (): string =>
  document(
    'What would they see of a family?',
    '/sharing/family',
    html`<p>This page wants to know who asks: an access token with the role information-governance, in the header <code>Authorization</code>. A browser
does not send one by itself: the page is opened through your organisation’s sign-in, a proxy that signs you in and adds the token. Whoever runs this server
knows its address; how it is set up stands in the operators’ handbook. <a href="/sharing">The agreement</a> is for everybody.</p>`,
  );

/** The page for who may not ask. */
export const notForYouPage = (): string =>
  document(
    'What would they see of a family?',
    '/sharing/family',
    html`<p>This page is for those who check who sees what: clients with the role information-governance. <a href="/sharing">The agreement</a> is for everybody.</p>`,
  );
