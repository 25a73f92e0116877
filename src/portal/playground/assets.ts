import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** One file of the page, held in memory. */
export interface PlaygroundAsset {
  type: string;
  body: Buffer;
  /** The gzip form, made on first use. */
  zipped: () => Buffer;
}

/** The page's files, under names that change when their contents do. */
export interface PlaygroundAssets {
  nameOf: (source: string) => string;
  find: (name: string) => PlaygroundAsset | undefined;
}

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/**
 * Loads the page's own files and the ready-built browser files that ship inside
 * the react, react-dom and graphiql packages, so nothing is bundled and nothing
 * is fetched from elsewhere.
 */
export function loadAssets(): PlaygroundAssets {
  const sources: Record<string, string> = {
    'react.js': readPackaged('react', 'umd/react.production.min.js'),
    'react-dom.js': readPackaged('react-dom', 'umd/react-dom.production.min.js'),
    'graphiql.js': withoutSourceMap(readPackaged('graphiql', 'graphiql.min.js')),
    'graphiql.css': withoutFonts(readPackaged('graphiql', 'graphiql.min.css')),
    'page.js': readOwn('page.js'),
    'page.css': readOwn('page.css'),
  };
  const names = new Map<string, string>();
  const files = new Map<string, PlaygroundAsset>();
  for (const [source, text] of Object.entries(sources)) {
    const name = fingerprinted(source, text);
    names.set(source, name);
    files.set(name, asset(extname(source), text));
  }
  return {
    nameOf: (source) => {
      const name = names.get(source);
      if (name === undefined) {
        throw new Error(`The playground has no file called ${source}.`);
      }
      return name;
    },
    find: (name) => files.get(name),
  };
}

/** The page's HTML with its {{placeholders}} unfilled. */
export function loadTemplate(): string {
  return readOwn('index.html');
}

function asset(extension: string, text: string): PlaygroundAsset {
  const body = Buffer.from(text);
  let zipped: Buffer | undefined;
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    body,
    zipped: () => {
      zipped ??= gzipSync(body);
      return zipped;
    },
  };
}

function fingerprinted(source: string, text: string): string {
  const extension = extname(source);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${source.slice(0, -extension.length)}.${digest}${extension}`;
}

function readOwn(name: string): string {
  return readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8');
}

function readPackaged(name: string, file: string): string {
  // The packages do not export these files, only their manifest; find them beside it.
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return readFileSync(join(dirname(manifest), file), 'utf8');
}

/** The map is not served, so developer tools should not ask for it. */
function withoutSourceMap(script: string): string {
  return script.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n');
}

/** Drops the embedded fonts, nine tenths of the style sheet; the page uses the system's. */
function withoutFonts(styles: string): string {
  return styles.replace(/@font-face\s*\{[^}]*\}/g, '');
}
