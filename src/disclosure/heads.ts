/**
 * The heads of the chains, signed and kept outside the database: what its owner changes afterwards, and hashes anew, is not
 * what was signed. A file for each chain, a line for each head.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { LIMITS } from '../limits.ts';
import { type Head, HeadLine } from './batches.ts';
import type { Batch } from './recorder.ts';

/** Where heads are kept, and the Ed25519 key that signs them. */
export type HeadKeeper = { dir: string; key: KeyObject };

/** Where the heads of a database are kept on a desk. */
export const keptFolder = (dataDir: string, database: string): string => path.join(dataDir, 'heads', database);

export type SignedHead = Head & { month: string; at: string };

const Line = HeadLine.extend({ month: z.iso.date(), at: z.iso.datetime(), signature: z.string() });

/** What is signed of a head. */
const signedText = ({ month, chain, sequence, hash, at }: SignedHead) => Buffer.from(`${month} ${chain} ${sequence} ${hash} ${at}`);

/** A private key in PEM, whose line ends may be written `\n` as in a line of an environment file. */
export const readPrivateKey = (pem: string): KeyObject => createPrivateKey(pem.replaceAll('\\n', '\n'));

/** A key of a development folder, made when first asked for. */
export function keptKey(dataDir: string): KeyObject {
  const file = path.join(dataDir, 'heads.pem');
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true });
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  }
  return readPrivateKey(readFileSync(file, 'utf8'));
}

const publicPem = (key: KeyObject): string => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

export type Heads = {
  /** A batch is durable: its hash is the head of its chain. */
  durable(batch: Batch): void;
  /** Writes down the heads that are not yet. */
  end(): void;
};

/**
 * Keeps heads. The public key is put beside them, under a name of its own.
 *
 * @param failed told why heads could not be written; answers go on.
 * @throws where the folder cannot be written.
 */
export function createHeads({ dir, key }: HeadKeeper, failed: (error: unknown) => void): Heads {
  const pem = publicPem(key);
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, `public-${createHash('sha256').update(pem).digest('hex').slice(0, 16)}.pem`), pem);
  } catch (error) {
    throw new Error(`The record's heads cannot be kept in ${dir}: ${(error as Error).message}`);
  }
  const waiting = new Map<string, Batch>();
  const write = () => {
    for (const [chain, { month, sequence, hash }] of waiting) {
      const head = { month, chain, sequence, hash: hash.toString('hex'), at: new Date().toISOString() };
      const line = JSON.stringify({ ...head, signature: sign(null, signedText(head), key).toString('base64url') });
      try {
        appendFileSync(path.join(dir, `${month.slice(0, 7)}-${chain}.ndjson`), `${line}\n`, { mode: 0o600 });
        waiting.delete(chain);
      } catch (error) {
        failed(error);
      }
    }
  };
  const timer = setInterval(write, LIMITS.headSeconds * 1000);
  timer.unref();
  return {
    durable(batch) {
      waiting.set(batch.chain, batch);
    },
    end() {
      clearInterval(timer);
      write();
    },
  };
}

export type KeptHeads = {
  heads: SignedHead[] /** Heads that none of the keys signed, or that are none: their file, and the line. */;
  forged: string[];
};

/**
 * Reads the heads in a folder.
 *
 * @param keys public keys in PEM; those in the folder where none are given, which whoever can write there can change.
 */
export function readHeads(dir: string, keys: string[] = []): KeptHeads {
  const files = readdirSync(dir).sort();
  const pems =
    keys.length > 0 ? keys : files.filter((file) => file.endsWith('.pem')).map((file) => readFileSync(path.join(dir, file), 'utf8'));
  const trusted = pems.map((pem) => createPublicKey(pem));
  const kept: KeptHeads = { heads: [], forged: [] };
  for (const file of files.filter((name) => name.endsWith('.ndjson'))) {
    const lines = readFileSync(path.join(dir, file), 'utf8').split('\n').slice(0, -1);
    for (const [i, line] of lines.entries()) {
      const { signature, ...head } = parsedLine(line) ?? { signature: null };
      const genuine =
        signature !== null &&
        'chain' in head &&
        trusted.some((key) => verify(null, signedText(head), key, Buffer.from(signature, 'base64url')));
      if (genuine) kept.heads.push(head);
      else kept.forged.push(`line ${i + 1} of ${file}`);
    }
  }
  return kept;
}

function parsedLine(line: string): z.infer<typeof Line> | null {
  try {
    return Line.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
