/** The pictures of the outcome framework as a page without scripts: each with a sentence, the table behind it, and what is withheld in words. */
import { Html, html } from './html.ts';
import {
  type Asked,
  type Cell,
  dayInWords,
  inWords,
  type OutcomesForm,
  type Picture,
  periodInWords,
  type Section,
  WITHHELD,
} from './outcome-pictures.ts';
import { contentPolicy, documentOf, styleOf, tables } from './page.ts';
import type { Reader } from './sharing-page.ts';

const STYLE = styleOf('page.css', 'outcomes.css');

/** Pictures stand in the page itself: what an image holds runs nothing and loads nothing. */
export const CONTENT_POLICY = contentPolicy(STYLE, "data: 'self'");

/** The ends of quarters that may be chosen. */
const QUARTERS_BACK = 24;

const TITLE = 'Outcomes of the partnership';
const document = (main: Html): string => documentOf({ title: TITLE, here: '/outcomes', style: STYLE, main });

export const EMPTY: OutcomesForm = { period: 'MONTH', district: '', until: '', as: '' };

/** What is asked for, as it stands in an address; what is usual is left out. */
export function queryOf(form: OutcomesForm): string {
  const given = Object.entries(form).filter(([name, value]) => value !== EMPTY[name as keyof OutcomesForm]);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

/** The last months of the quarters before a day, the latest first, as `2026-09`. */
export function quarterEnds(latest: string): string[] {
  return Array.from({ length: QUARTERS_BACK }, (_, i) =>
    new Date(Date.UTC(Number(latest.slice(0, 4)), Number(latest.slice(5, 7)) - 1 - 3 * i, 1)).toISOString().slice(0, 7),
  );
}

const option = (value: string, words: string, chosen: string): Html =>
  html`<option value="${value}"${value === chosen && html` selected`}>${words}</option>`;

type Around = { latest: string; districts: readonly { code: string | null; name: string | null }[]; readers: readonly Reader[] };

function formOf(form: OutcomesForm, { latest, districts, readers }: Around): Html {
  return html`<form method="get" action="/outcomes">
${
  readers.length > 0 &&
  html`<label for="as">Ask as</label><select id="as" name="as" aria-describedby="as-hint">${readers.map(({ client, label }) => option(client, label, form.as))}</select><p class="note" id="as-hint">Clients of the demonstration; elsewhere one asks with a token of one’s own.</p>`
}
<label for="period">Period</label><select id="period" name="period">${option('MONTH', '24 months', form.period)}${option('QUARTER', '24 quarters', form.period)}${option('YEAR', '10 years, from April', form.period)}</select>
<label for="until">Until</label><select id="until" name="until">${option('', 'the latest quarter', form.until)}${quarterEnds(latest).map((each) => option(each, periodInWords('MONTH', `${each}-01`, ''), form.until))}</select>
<label for="district">District</label><select id="district" name="district">${option('', 'the whole county', form.district)}${districts.map(({ code, name }) => option(code ?? '', name ?? '', form.district))}</select>
<button type="submit">Show</button>
</form>`;
}

const cellOf = (cell: Cell): Html =>
  typeof cell === 'string'
    ? html`<td${cell === WITHHELD && html` class="withheld"`}>${cell}</td>`
    : html`<td class="number">${inWords(cell.number)}</td>`;

/** The form alone: nobody has been chosen yet, or something is wrong with what was asked. */
export const formPage = (form: OutcomesForm, fault: string | null, around: Around): string =>
  document(html`${fault && html`<p class="fault" role="alert">${fault}</p>`}
<p>The outcome framework of the partnership in pictures, each with the table behind it.</p>
${formOf(form, around)}`);

/** The whole page. @param svg the pictures by their names. */
export function outcomesPage(
  form: OutcomesForm,
  asked: Asked,
  sections: readonly Section[],
  svg: ReadonlyMap<string, string>,
  around: Omit<Around, 'districts'>,
): string {
  const table = tables();
  const edition = asked.outcomeFreshness?.edition ?? null;
  const rule = edition?.rule ?? null;
  const query = queryOf(form);
  const pictureOf = (picture: Picture, heading: 'h3' | 'h4'): Html => {
    const id = `picture-${picture.name}`;
    const tag = new Html(heading);
    const at = `/outcomes/${picture.name}`;
    return html`<figure aria-labelledby="${id}">
<${tag} id="${id}" class="hidden">${picture.title}</${tag}>
<img src="data:image/svg+xml;base64,${Buffer.from(svg.get(picture.name) ?? '').toString('base64')}" alt="${picture.alt}">
<figcaption>${picture.caption}</figcaption>
${picture.notes.length > 0 && html`<ul class="notes">${picture.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
<details><summary>The table behind it<span class="hidden">: ${picture.title}</span></summary>
${table(
  picture.title,
  picture.head,
  picture.rows.map(([first, ...rest]) => [first as string, ...rest.map(cellOf)]),
)}</details>
<p class="downloads">To keep: <a href="${at}.svg${query}">SVG<span class="hidden"> of ${picture.title}</span></a> <a href="${at}.csv${query}">CSV<span class="hidden"> of ${picture.title}</span></a></p>
</figure>`;
  };
  return document(html`<p>Asked for ${asked.viewer?.organisationName ?? 'nobody'} (${asked.viewer?.client ?? ''}), with the rights of this client: what it may not have is not in this page.</p>
${formOf(form, { ...around, districts: asked.districts ?? [] })}
${
  edition
    ? html`<p>Figures of the edition made on ${dayInWords((edition.made ?? '').slice(0, 10))}, as at ${dayInWords(edition.asAt ?? '')}: of ${inWords(String(edition.cells))} figures ${inWords(String(edition.withheldCells))} are withheld. <strong>${WITHHELD}</strong> stands, and the picture is hatched, where a figure counts ${rule?.lowest} to ${rule?.highest} or where one that does could be worked out from it (${rule?.name}). Which of the two it is, is not told.${rule?.roundTo && ` What is shown is rounded to the nearest ${rule.roundTo}.`}</p>`
    : html`<p>No figures have been published yet: there is no edition. What the papers print is below.</p>`
}
<nav aria-label="Parts of this page"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${sections.map(
  ({ id, title, about, groups }) => html`<section aria-labelledby="${id}"><h2 id="${id}" tabindex="-1">${title}</h2>
<p>${about}</p>
${groups.map(
  (group) => html`${group.title && html`<h3>${group.title}</h3>`}
${group.pictures.length > 0 && html`<div class="pictures${group.title === '' && ' wide'}">${group.pictures.map((picture) => pictureOf(picture, group.title === '' ? 'h3' : 'h4'))}</div>`}
${group.without.length > 0 && html`<p>Without figures in this choice: ${group.without.join(', ')}.</p>`}
${group.pictures.length + group.without.length === 0 && html`<p>There are no figures of it.</p>`}`,
)}</section>`,
)}`);
}

/** The page for who has not said who they are. */
export const noTokenPage = (): string =>
  document(html`<p>This page shows what the asking client may see, and wants to know who asks: an access token of your organisation’s, in the header
<code>Authorization</code>. A browser does not send one by itself: the page is opened through your organisation’s sign-in, a proxy that signs you in and adds
the token; how it is set up stands in the operators’ handbook. <a href="/sharing">The agreement</a> is for everybody.</p>`);

/** The page for a picture that is none. */
export const noSuchPicturePage = (): string =>
  document(html`<p>There is no such picture, or it has no figures in this choice. <a href="/outcomes">All pictures</a></p>`);
