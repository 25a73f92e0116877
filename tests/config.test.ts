import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';

const SECRET = 'a secret that is long enough to be one, surely';
const OWN_DATABASE = { DATABASE_URL: 'postgres://owner:pw@db.example:5433/fsp?sslmode=require', LOGIN_SECRET: SECRET };
const IDENTITY = { JWKS_URL: 'https://login.example/keys', ISSUER: 'https://login.example/', AUDIENCE: 'https://api.example/graphql' };

function faultsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('the environment', () => {
  it('needs nothing on a desk', () => {
    expect(readConfig({})).toMatchObject({
      production: false,
      port: 4000,
      host: '127.0.0.1',
      databaseUrl: null,
      databaseServer: null,
      authority: 'oxfordshire',
      identity: null,
      prepare: true,
      playground: true,
    });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '', LOG_LEVEL: '' })).toMatchObject({ port: 4000, databaseUrl: null, logLevel: 'info' });
  });

  it('says all that is wrong at once, each with its name', () => {
    const faults = faultsOf({
      NODE_ENV: 'production',
      PORT: 'four thousand',
      DATABASE_URL: 'mysql://db.example/fsp',
      LOGIN_SECRET: 'short',
      AUTHORITY: '../elsewhere',
      JWKS_URL: 'https://login.example/keys',
      PREPARE: 'maybe',
      LOG_LEVEL: 'loud',
    });
    for (const name of ['PORT', 'DATABASE_URL', 'LOGIN_SECRET', 'AUTHORITY', 'PREPARE', 'LOG_LEVEL', 'ISSUER']) {
      expect(
        faults.filter((fault) => fault.includes(name)),
        name,
      ).not.toEqual([]);
    }
  });

  it('never repeats a value, which may be a secret', () => {
    const faults = faultsOf({ DATABASE_URL: 'owner:hunter2@db.example', LOGIN_SECRET: 'hunter3' }).join('\n');
    expect(faults).not.toContain('hunter');
  });

  it('wants the secret with a database of its own, and no user in DATABASE_SERVER', () => {
    expect(faultsOf({ DATABASE_URL: OWN_DATABASE.DATABASE_URL })).toEqual([expect.stringContaining('LOGIN_SECRET')]);
    expect(faultsOf({ DATABASE_SERVER: 'postgres://owner@db.example/fsp', LOGIN_SECRET: SECRET })).toEqual([
      expect.stringContaining('must not name a user'),
    ]);
    expect(faultsOf({ DATABASE_SERVER: 'postgres://db.example', LOGIN_SECRET: SECRET })).toEqual([
      expect.stringContaining('names no database'),
    ]);
  });

  it('reads where the database is from DATABASE_URL, or from DATABASE_SERVER before it', () => {
    expect(readConfig(OWN_DATABASE).databaseServer).toEqual({ host: 'db.example', port: 5433, database: 'fsp', tls: true });
    const served = readConfig({ ...OWN_DATABASE, DATABASE_SERVER: 'postgres://pool.example:6432/fsp' });
    expect(served.databaseServer).toEqual({ host: 'pool.example', port: 6432, database: 'fsp', tls: false });
  });

  it('takes an identity provider whole or not at all', () => {
    expect(faultsOf({ ISSUER: IDENTITY.ISSUER })).toEqual([expect.stringContaining('set all three')]);
    expect(readConfig(IDENTITY).identity).toEqual({ jwksUrl: IDENTITY.JWKS_URL, issuer: IDENTITY.ISSUER, audience: IDENTITY.AUDIENCE });
  });
});

describe('in production', () => {
  it('refuses the development issuer and the embedded database', () => {
    const faults = faultsOf({ NODE_ENV: 'production' });
    expect(faults).toEqual([
      expect.stringContaining('development issuer is refused'),
      expect.stringContaining('embedded database is refused'),
    ]);
  });

  it('refuses keys that come in the clear', () => {
    const inTheClear = { NODE_ENV: 'production', ...OWN_DATABASE, ...IDENTITY, JWKS_URL: 'http://login.example/keys' };
    expect(faultsOf(inTheClear)).toEqual([expect.stringMatching(/^JWKS_URL: must be https/)]);
  });

  it('has no playground unless it is asked for', () => {
    const production = { NODE_ENV: 'production', ...OWN_DATABASE, ...IDENTITY };
    expect(readConfig(production)).toMatchObject({ production: true, playground: false });
    expect(readConfig({ ...production, PLAYGROUND: 'on' }).playground).toBe(true);
  });
});
