/** What the pages for people have in common: no scripts, nothing loaded, one style known by its hash; readable on paper and by screen readers. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Html, html } from './html.ts';

const PAGES = [
  ['/sharing', 'The agreement'],
  ['/sharing/fields', 'Field by field'],
  ['/sharing/family', 'What would they see of a family?'],
  ['/outcomes', 'Outcomes'],
] as const;

/** The style sheets of a page, in order, as one. */
export const styleOf = (...files: string[]): string =>
  files.map((file) => readFileSync(new URL(`./${file}`, import.meta.url), 'utf8')).join('');

/** A policy under which a page runs nothing and loads nothing, but `images` where it has some. A form asks this server alone. */
export const contentPolicy = (style: string, images = ''): string =>
  `default-src 'none';${images && ` img-src ${images};`} style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

/** Headers of a page that nothing keeps, frames or learns the place of. */
export const pageHeaders = (policy: string): Record<string, string> => ({
  'cache-control': 'no-store',
  'content-security-policy': policy,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
});

/** A whole page. `here`: which of the pages it is; it is not linked from itself. */
export const documentOf = ({ title, here, style, main }: { title: string; here: string; style: string; main: Html }): string =>
  html`<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><nav aria-label="Pages"><ul>
${PAGES.map(([path, name]) => html`<li>${path === here ? html`<strong aria-current="page">${name}</strong>` : html`<a href="${path}">${name}</a>`}</li>`)}
</ul></nav></header>
<main id="main">
<h1>${title}</h1>
${main}
</main>
</body>
</html>
`.text;

/** A table with its caption; on a narrow screen it scrolls by itself, also by keyboard. Cells that are pieces are whole `<td>`. */
export type WriteTable = (caption: string, head: readonly string[], rows: (readonly (string | Html)[])[]) => Html;

/** Writes the tables of one page, each under an id of its own. */
export function tables(): WriteTable {
  let written = 0;
  return (caption, head, rows) => {
    const id = `table-${++written}`;
    return html`<div class="table" role="region" aria-labelledby="${id}" tabindex="0"><table><caption id="${id}">${caption}</caption>
<thead><tr>${head.map((each) => html`<th scope="col">${each}</th>`)}</tr></thead>
<tbody>${rows.map(
      ([first, ...rest]) =>
        html`<tr><th scope="row">${first}</th>${rest.map((cell) => (typeof cell === 'string' ? html`<td>${cell}</td>` : cell))}</tr>\n`,
    )}</tbody></table></div>`;
  };
}
