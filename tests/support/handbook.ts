/** The handbook (README.md and docs/) as its test reads it: blocks, links, tables, words in code; and what `…` leaves out. */
import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { root } from './command.ts';

/** A fenced block; `info` is what stands behind the language, as words and as `key=value`. */
export type Block = {
  page: string;
  line: number;
  language: string;
  info: Record<string, string | true>;
  text: string;
};

export type Page = {
  /** Path from the repository's root. */
  file: string;
  text: string;
  /** The text without fenced blocks and comments. */
  prose: string;
  blocks: Block[];
  /** What stands between backticks. */
  code: string[];
  links: string[];
  /** Anchors of the headings, as GitHub makes them. */
  anchors: Set<string>;
};

const FENCE = /^( *)```(\S*) *(.*)$/;

/** Reads a page; `…` and all else stand as they are. */
export function readPage(file: string): Page {
  const text = readFileSync(path.join(root, file), 'utf8');
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: Block | null = null;
  let indent = '';
  for (const [index, line] of text.split('\n').entries()) {
    const fence = FENCE.exec(line);
    if (open) {
      if (fence && fence[2] === '') {
        blocks.push(open);
        open = null;
      } else open.text += `${line.startsWith(indent) ? line.slice(indent.length) : line}\n`;
    } else if (fence) {
      indent = fence[1] as string;
      const words = (fence[3] as string).split(' ').filter((word) => word !== '');
      const info = Object.fromEntries(
        words.map((word) => [word.split('=', 1)[0] as string, word.includes('=') ? word.slice(word.indexOf('=') + 1) : true]),
      );
      open = { page: file, line: index + 1, language: fence[2] as string, info: info as Block['info'], text: '' };
    } else prose.push(line);
  }
  if (open) throw new Error(`${file}: the block of line ${open.line} is not closed.`);
  const plain = prose.join('\n').replace(/<!--.*?-->/gs, '');
  const withoutCode = plain.replace(/`[^`]*`/g, '');
  return {
    file,
    text,
    prose: plain,
    blocks,
    code: [...plain.matchAll(/`([^`]+)`/g)].map(([, code]) => (code as string).replace(/\s+/g, ' ')),
    links: [...withoutCode.matchAll(/\]\(([^)\s]+)\)|<(https?:[^>\s]+)>/g)].map((found) => (found[1] ?? found[2]) as string),
    anchors: new Set([...plain.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading as string))),
  };
}

const slug = (heading: string) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');

/** README.md and every page of docs/. */
export function readHandbook(): Page[] {
  const pages = readdirSync(path.join(root, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', ...pages.sort().map((file) => `docs/${file}`)].map(readPage);
}

/** The rows of a page's tables under a first head, cell by cell, without backticks. */
export function tableRows(page: Page, ...heads: string[]): string[][] {
  const lines = page.prose.split('\n').map((line) => line.trim());
  const cells = (line: string) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''));
  return lines.flatMap((line, at) => {
    if (!line.startsWith('|') || !heads.every((head, i) => cells(line)[i] === head) || !lines[at + 1]?.startsWith('| ---')) return [];
    const end = lines.findIndex((next, i) => i > at && !next.startsWith('|'));
    return lines.slice(at + 2, end === -1 ? undefined : end).map(cells);
  });
}

/** Statements about the product: list items, and paragraphs, of which tables, headings and blocks are none. */
export function claims(page: Page): string[] {
  const found: string[] = [];
  let current: string | null = null;
  const end = () => {
    if (current !== null) found.push(current);
    current = null;
  };
  for (const line of page.prose.split('\n')) {
    const item = /^(?:-|\d+\.) (.*)$/.exec(line);
    if (line.trim() === '' || line.startsWith('#') || line.startsWith('|')) end();
    else if (item) {
      end();
      current = item[1] as string;
    } else current = current === null ? line.trim() : `${current} ${line.trim()}`;
  }
  end();
  return found;
}

/** JSON in which a bare `…` stands for what was left out: a value, further items, further members. */
export function readShown(text: string): unknown {
  let json = '';
  const within: string[] = [];
  let last = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (quoted) {
      json += char;
      if (char === '\\') json += text[++i];
      else if (char === '"') quoted = false;
      continue;
    }
    if (char === '…') json += within.at(-1) === '{' && last !== ':' ? '"…":"…"' : '"…"';
    else json += char;
    if (char === '"') quoted = true;
    if (char === '{' || char === '[') within.push(char);
    if (char === '}' || char === ']') within.pop();
    if (char.trim() !== '') last = char;
  }
  return JSON.parse(json);
}

/** Where an answer differs from what is shown of it; null: nowhere. */
export function difference(shown: unknown, real: unknown, at = ''): string | null {
  if (shown === '…') return real === undefined ? `${at} is not there` : null;
  if (Array.isArray(shown)) {
    if (!Array.isArray(real)) return `${at} is ${JSON.stringify(real)}, no list`;
    const open = shown.at(-1) === '…';
    const items = open ? shown.slice(0, -1) : shown;
    if (open ? real.length < items.length : real.length !== items.length) return `${at} has ${real.length} items`;
    return first(items.map((item, i) => difference(item, real[i], `${at}[${i}]`)));
  }
  if (shown !== null && typeof shown === 'object') {
    if (real === null || typeof real !== 'object') return `${at} is ${JSON.stringify(real)}, no object`;
    const { '…': open, ...members } = shown as Record<string, unknown>;
    const extra = Object.keys(real).find((key) => !Object.hasOwn(members, key));
    if (open === undefined && extra !== undefined) return `${at}.${extra} is not shown`;
    return first(Object.entries(members).map(([key, value]) => difference(value, (real as Record<string, unknown>)[key], `${at}.${key}`)));
  }
  return shown === real ? null : `${at} is ${JSON.stringify(real)}, not ${JSON.stringify(shown)}`;
}

const first = (differences: (string | null)[]) => differences.find((one) => one !== null) ?? null;

/** A pattern for a text of which `…` leaves out parts, and in which white space is all the same. */
export function shortened(text: string): RegExp {
  const escaped = text
    .trim()
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\s+/g, '\\s*')
    .replaceAll('…', '[^]*?');
  return new RegExp(`^\\s*${escaped}\\s*$`);
}

/** The lines of a block of commands, without comments, with continued lines joined. */
export const commandLines = (text: string): string[] =>
  text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');

/** The single commands of a line, by which they are known: without variables before them and where the output goes. */
export const commandsOf = (line: string): string[] =>
  [...line.split('&&'), ...[...line.matchAll(/\$\(([^)]*)\)/g)].map(([, inner]) => inner as string)]
    .map((command) =>
      command
        .trim()
        .replace(/^(?:[A-Z_]+=(?:'[^']*'|"[^"]*"|\$\([^)]*\)|\S*)\s*)+/, '')
        .replace(/ > .*$/, '')
        .replace(/^npm run -s /, 'npm run '),
    )
    .filter((command) => command !== '');

/** A copy of the repository in a folder, whose commands may write what they like. */
export function copyRepository(folder: string): void {
  const skipped = new Set(['node_modules', '.git', '.data', 'coverage']);
  cpSync(root, folder, { recursive: true, filter: (file) => !skipped.has(path.basename(file)) });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
}

export type Said = { code: number; out: string; err: string };

/** Runs a script in the shell; stops at the first command that fails. */
export function shell(script: string, cwd: string, env: Record<string, string>): Promise<Said> {
  return new Promise((resolve) => {
    execFile('sh', ['-euc', script], { cwd, env, maxBuffer: 1 << 26 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    );
  });
}
