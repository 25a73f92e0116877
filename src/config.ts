/** The only reader of the environment. Everything is parsed once; all faults are reported at once. */
import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import type { Budget } from './access/budget.ts';
import type { FamilyBudget } from './disclosure/budget.ts';

/** Where PostgreSQL is, without saying who asks. */
export type DatabaseServer = {
  host: string;
  port: number;
  database: string;
  tls: boolean;
  /** The database by which the logins are named; without it this one. A copy beside its original has the original's. */
  logins?: string;
};

export type Config = {
  production: boolean;
  port: number;
  host: string;
  /** The owner's address: migrations and provisioning only. Absent: an embedded server, or a server that only serves. */
  databaseUrl: string | null;
  databaseServer: DatabaseServer | null;
  loginSecret: string | null;
  authority: string;
  /** Null: `.data` in the working directory. */
  dataDir: string | null;
  identity: { jwksUrl: string; issuer: string; audience: string } | null;
  allowedOrigins: string[];
  allowedHosts: string[];
  prepare: boolean;
  playground: boolean;
  logLevel: string;
  /** Null: no figures are served. */
  metricsPort: number | null;
  /** Null: as in the table of limits. */
  clientBudget: Budget | null;
  /** Where the record's signed heads are kept. Null: in the data folder on a desk, nowhere in production. */
  headsDir: string | null;
  /** The Ed25519 key that signs them, in PEM. */
  headsKey: string | null;
  /** Null: as in the table of limits. */
  familyBudget: FamilyBudget | null;
  /** Hosts of service feeds that are inside the network: asked although their address is private, and without TLS. */
  feedHosts: string[];
  /** Hosts inside the network to which webhooks may be sent, although their address is private, and without TLS. */
  webhookHosts: string[];
};

const flag = z.enum(['on', 'off', 'true', 'false', '1', '0']).transform((value) => ['on', 'true', '1'].includes(value));
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
const postgresUrl = z.string().regex(/^postgres(ql)?:\/\/\S+$/, 'must be an address like postgres://owner:secret@host:5432/database');

const isHeadsKey = (pem: string): boolean => {
  try {
    return createPrivateKey(pem.replaceAll('\\n', '\n')).asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
};

const Environment = z.object({
  NODE_ENV: z.string().optional(),
  PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_SERVER: postgresUrl.optional(),
  LOGIN_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  AUTHORITY: z
    .string()
    .regex(/^[a-z][a-z-]*$/, 'must be the name of a folder in reference/')
    .default('oxfordshire'),
  DATA_DIR: z.string().optional(),
  JWKS_URL: z.url().optional(),
  ISSUER: z.string().optional(),
  AUDIENCE: z.string().optional(),
  ALLOWED_ORIGINS: list.default([]),
  ALLOWED_HOSTS: list.default([]),
  PREPARE: flag.default(true),
  PLAYGROUND: flag.optional(),
  METRICS_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  CLIENT_BUDGET: z
    .string()
    .regex(/^[1-9]\d{0,8}\/[1-9]\d{0,8}$/, 'must be units and units restored a second, like 60000/2000')
    .transform((value): Budget => {
      const [units, restorePerSecond] = value.split('/').map(Number) as [number, number];
      return { units, restorePerSecond };
    })
    .optional(),
  FAMILY_BUDGET: z
    .string()
    .regex(/^[1-9]\d{0,8}\/[1-9]\d{0,8}$/, 'must be families an hour of a user, and of a record system, like 500/100000')
    .transform((value): FamilyBudget => {
      const [perUser, perSync] = value.split('/').map(Number) as [number, number];
      return { perUser, perSync };
    })
    .optional(),
  FEED_HOSTS: list.default([]),
  WEBHOOK_HOSTS: list.default([]),
  HEADS_DIR: z.string().optional(),
  HEADS_KEY: z
    .string()
    .refine(isHeadsKey, 'must be a private Ed25519 key in PEM, as "openssl genpkey -algorithm ed25519" makes it')
    .optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** Parses `postgres://host:port/database?sslmode=require`; a user in it is the caller's fault to report. */
export function parseDatabaseServer(url: string): DatabaseServer {
  const parsed = new URL(url);
  const mode = parsed.searchParams.get('sslmode');
  return {
    host: parsed.hostname,
    port: parsed.port === '' ? 5432 : Number(parsed.port),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    tls: mode !== null && mode !== 'disable',
  };
}

/** All faults of an environment, one a line. */
export class ConfigError extends Error {
  readonly faults: string[];
  constructor(faults: string[]) {
    super(`The environment cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/**
 * Reads the configuration from an environment.
 *
 * @throws ConfigError with every fault found.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = Environment.safeParse(present);
  const faults: string[] = [];
  if (!parsed.success) {
    for (const issue of parsed.error.issues) faults.push(`${issue.path.join('.')}: ${issue.message}`);
  }
  // The rules between variables are checked on what could be read, so that a reader mends everything in one go.
  const value = (name: string) => present[name];
  const production = value('NODE_ENV') === 'production';
  const identity = ['JWKS_URL', 'ISSUER', 'AUDIENCE'].filter((name) => value(name) !== undefined);
  if (identity.length > 0 && identity.length < 3) {
    faults.push('JWKS_URL, ISSUER and AUDIENCE: set all three, or none of them for the development issuer');
  }
  if (production && identity.length === 0) {
    faults.push('JWKS_URL, ISSUER, AUDIENCE: the development issuer is refused when NODE_ENV=production');
  }
  if (production && value('JWKS_URL')?.startsWith('http://')) {
    faults.push('JWKS_URL: must be https when NODE_ENV=production; who can change the keys on their way can sign tokens');
  }
  if (production && value('DATABASE_URL') === undefined && value('DATABASE_SERVER') === undefined) {
    faults.push('DATABASE_URL or DATABASE_SERVER: the embedded database is refused when NODE_ENV=production');
  }
  if ((value('DATABASE_URL') ?? value('DATABASE_SERVER')) !== undefined && value('LOGIN_SECRET') === undefined) {
    faults.push("LOGIN_SECRET: must be set with a database of your own; the organisations' passwords are derived from it");
  }
  if (production && (value('HEADS_DIR') === undefined) !== (value('HEADS_KEY') === undefined)) {
    faults.push('HEADS_DIR and HEADS_KEY: set both, or neither; a key that the server makes itself proves nothing');
  }
  const server = value('DATABASE_SERVER') ?? value('DATABASE_URL');
  let databaseServer: DatabaseServer | null = null;
  if (server !== undefined && /^postgres(ql)?:\/\//.test(server)) {
    try {
      databaseServer = parseDatabaseServer(server);
      if (databaseServer.database === '') faults.push('DATABASE_SERVER or DATABASE_URL: names no database');
      if (value('DATABASE_SERVER') && new URL(server).username !== '') {
        faults.push('DATABASE_SERVER: must not name a user; each organisation has its own login');
      }
    } catch {
      faults.push('DATABASE_SERVER or DATABASE_URL: is not an address');
    }
  }
  if (faults.length > 0 || !parsed.success) throw new ConfigError(faults);
  const e = parsed.data;
  return {
    production,
    port: e.PORT,
    host: e.HOST,
    databaseUrl: e.DATABASE_URL ?? null,
    databaseServer,
    loginSecret: e.LOGIN_SECRET ?? null,
    authority: e.AUTHORITY,
    dataDir: e.DATA_DIR ?? null,
    identity: e.JWKS_URL ? { jwksUrl: e.JWKS_URL, issuer: e.ISSUER as string, audience: e.AUDIENCE as string } : null,
    allowedOrigins: e.ALLOWED_ORIGINS,
    allowedHosts: e.ALLOWED_HOSTS,
    prepare: e.PREPARE,
    playground: e.PLAYGROUND ?? !production,
    logLevel: e.LOG_LEVEL,
    metricsPort: e.METRICS_PORT ?? null,
    clientBudget: e.CLIENT_BUDGET ?? null,
    headsDir: e.HEADS_DIR ?? null,
    headsKey: e.HEADS_KEY ?? null,
    familyBudget: e.FAMILY_BUDGET ?? null,
    feedHosts: e.FEED_HOSTS,
    webhookHosts: e.WEBHOOK_HOSTS,
  };
}
