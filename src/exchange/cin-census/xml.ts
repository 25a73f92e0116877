/**
 * The children of a Children in Need census, one at a time: however long the file is, one child of it is in memory. No entity is followed
 * but those of XML itself, and a document type is refused: nothing outside the file is ever read.
 */
import { createRequire } from 'node:module';

/** What of the parser is used (sax 1.6). */
type Parser = {
  line: number;
  write(text: string): Parser;
  close(): Parser;
  resume(): Parser;
  error: Error | null;
  onopentag: (tag: { name: string }) => void;
  onattribute: () => void;
  onclosetag: (name: string) => void;
  ontext: (text: string) => void;
  oncdata: (text: string) => void;
  ondoctype: () => void;
  onerror: (error: Error) => void;
};
type Options = { strictEntities: boolean; position: boolean; trim: boolean };

const sax = createRequire(import.meta.url)('sax') as { parser(strict: boolean, options: Options): Parser; MAX_BUFFER_LENGTH: number };

/** An element: its own text, what is in it, and on which line it begins. */
export type Element = { name: string; line: number; text: string; children: Element[] };

/** A file that is no census, or breaks off. */
export class CensusError extends Error {}

const MOST_ELEMENTS = 5_000;
const DEEPEST = 12;
const DEEPEST_OF_FILE = 20;
const MOST_ATTRIBUTES = 50;
const LONGEST_TEXT = 10_000;

/**
 * Reads a census.
 *
 * @returns each `Child`, and the `Header` before them.
 * @throws CensusError where the file is not well-formed; what came before it has been given.
 */
export async function* readCensus(chunks: AsyncIterable<string>): AsyncGenerator<Element> {
  const parser = sax.parser(true, { strictEntities: true, position: true, trim: false });
  const whole: Element[] = [];
  const path: string[] = [];
  /** The elements that are open, from the child (or header) down. */
  let open: Element[] = [];
  let elements = 0;
  let attributes = 0;
  let root: string | null = null;
  let fault: CensusError | null = null;
  const stop = (message: string) => {
    fault ??= new CensusError(`Line ${parser.line + 1}: ${message}`);
  };
  parser.onerror = (error) => {
    stop(`${(error.message.split('\n')[0] as string).replace(/\.*$/, '')}.`);
    // Nothing is mended: what follows is not read.
    parser.error = null;
    parser.resume();
  };
  parser.ondoctype = () => stop('A document type is not read.');
  parser.onattribute = () => {
    if (++attributes > MOST_ATTRIBUTES) stop('An element has more attributes than any of a census.');
  };
  parser.onopentag = ({ name }) => {
    if (fault) return;
    attributes = 0;
    root ??= name;
    path.push(name);
    if (path.length > DEEPEST_OF_FILE) return stop('Elements stand deeper in each other than in any census.');
    const begins = open.length === 0 && ((name === 'Child' && path.length === 3) || (name === 'Header' && path.length === 2));
    if (!begins && open.length === 0) return;
    if (begins) elements = 0;
    if (++elements > MOST_ELEMENTS) return stop('A child has more than any child can have.');
    if (open.length >= DEEPEST) return stop('Elements stand deeper in each other than in any census.');
    const element: Element = { name, line: parser.line + 1, text: '', children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  };
  const text = (said: string) => {
    const into = open.at(-1);
    if (!into || fault) return;
    into.text += said;
    if (into.text.length > LONGEST_TEXT) stop('A text is longer than any of a census.');
  };
  parser.ontext = text;
  parser.oncdata = text;
  parser.onclosetag = () => {
    if (fault) return;
    path.pop();
    const closed = open.pop();
    if (closed && open.length === 0) whole.push(closed);
  };
  for await (const chunk of chunks) {
    parser.write(chunk);
    yield* whole.splice(0);
    if (fault) throw fault;
  }
  parser.close();
  yield* whole.splice(0);
  if (fault) throw fault;
  open = [];
  if (root !== 'Message')
    throw new CensusError(root === null ? 'The file is empty.' : `The file is no census: it begins with ${root}, not with Message.`);
}
