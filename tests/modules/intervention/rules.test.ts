/** An intervention's steps and records, without a database. */
import { describe, expect, it } from 'vitest';
import type { InterventionStatus } from '../../../src/graphql/generated.ts';
import {
  afterMove,
  answers,
  checkMove,
  checkOutcome,
  checkRelapse,
  checkRequest,
  checkSession,
  checkTest,
  isEnd,
  type MoveInput,
  type RequestInput,
  type SessionInput,
  type Standing,
} from '../../../src/modules/intervention/rules.ts';

const now = new Date('2026-11-20T12:00:00Z');
const at = (over: Partial<Standing> = {}): Standing => ({
  status: 'REQUESTED',
  requested: '2026-10-01',
  accepted: null,
  started: null,
  ended: null,
  ...over,
});
const move = (to: InterventionStatus, over: Partial<MoveInput> = {}): MoveInput => ({
  intervention: 'Intervention-1',
  expectedVersion: 1,
  to,
  on: '2026-10-10',
  note: 'Why.',
  ...over,
});
const paths = (errors: { path: string[]; rule?: string }[]) => errors.map(({ path, rule }) => `${path.join('.')}${rule ? ` ${rule}` : ''}`);

describe('the steps of an intervention', () => {
  const all: InterventionStatus[] = ['REQUESTED', 'ACCEPTED', 'WAITING', 'STARTED', 'COMPLETED', 'ENDED_EARLY', 'WITHDRAWN', 'DECLINED'];
  const allowed: Record<InterventionStatus, string> = {
    REQUESTED: 'ACCEPTED WAITING STARTED WITHDRAWN DECLINED',
    ACCEPTED: 'WAITING STARTED WITHDRAWN DECLINED',
    WAITING: 'STARTED WITHDRAWN DECLINED',
    STARTED: 'COMPLETED ENDED_EARLY',
    COMPLETED: '',
    ENDED_EARLY: '',
    WITHDRAWN: '',
    DECLINED: '',
  };
  it.each(all)('from %s', (status) => {
    const can = all.filter((to) => checkMove(move(to), at({ status }), now).errors.length === 0);
    expect(can.join(' ')).toBe(allowed[status]);
  });
  it('says what it could become, and that an end is an end', () => {
    expect(checkMove(move('COMPLETED'), at(), now).errors[0]).toMatchObject({
      rule: 'INTERVENTION_STEP',
      message: 'It cannot become COMPLETED: from REQUESTED it can become ACCEPTED, WAITING, STARTED, DECLINED or WITHDRAWN.',
    });
    expect(checkMove(move('STARTED'), at({ status: 'DECLINED' }), now).errors[0]?.message).toContain('ask for a new intervention');
  });
  it('keeps the days in order, asks why it ended, and takes no day to come', () => {
    expect(paths(checkMove(move('STARTED', { on: '2026-09-30' }), at(), now).errors)).toEqual(['on INTERVENTION_ORDER']);
    expect(paths(checkMove(move('DECLINED', { note: null }), at(), now).errors)).toEqual(['note']);
    expect(paths(checkMove(move('STARTED', { on: '2027-01-01', outcome: 'Well.' }), at(), now).errors)).toEqual(['on', 'outcome']);
  });
  it('warns of what was entered later, but opens no end again', () => {
    const late = checkMove(move('COMPLETED', { historical: true, on: '2026-09-01' }), at(), now);
    expect([paths(late.errors), paths(late.warnings)]).toEqual([[], ['to INTERVENTION_STEP', 'on INTERVENTION_ORDER']]);
    expect(checkMove(move('STARTED', { historical: true }), at({ status: 'COMPLETED' }), now).errors).toHaveLength(1);
  });
  it('sets the days that a step stands for', () => {
    expect(afterMove('STARTED', '2026-10-10', at())).toEqual({ status: 'STARTED', accepted: '2026-10-10', started: '2026-10-10' });
    expect(afterMove('WAITING', '2026-10-10', at({ accepted: '2026-10-05' }))).toEqual({ status: 'WAITING' });
    expect(afterMove('WITHDRAWN', '2026-10-10', at())).toEqual({ status: 'WITHDRAWN', ended: '2026-10-10' });
    expect(all.filter(answers)).toEqual(['ACCEPTED', 'WAITING', 'STARTED', 'DECLINED']);
    expect(all.filter(isEnd)).toEqual(['COMPLETED', 'ENDED_EARLY', 'WITHDRAWN', 'DECLINED']);
  });
});

describe('what is written about it', () => {
  const request: RequestInput = {
    family: 'Family-1',
    person: 'Person-1',
    programme: 'Programme-1',
    provider: 'Organisation-601',
    reason: 'She asked for help.',
    agreed: true,
    requested: '2026-11-01',
  };
  it('a request: of who gives it, and preferably agreed', () => {
    expect(checkRequest(request, true, now)).toEqual({ errors: [], warnings: [] });
    expect(paths(checkRequest({ ...request, reason: ' ', requested: '2027-01-01' }, false, now).errors)).toEqual([
      'reason',
      'requested',
      'provider',
    ]);
    const soft = checkRequest({ ...request, agreed: false, historical: true }, false, now);
    expect([soft.errors, paths(soft.warnings)]).toEqual([[], ['provider', 'agreed']]);
  });
  const session: SessionInput = { intervention: 'Intervention-1', on: '2026-11-01', kind: 'ONE_TO_ONE', attendance: 'ATTENDED' };
  it('a session: its kind fits what it says, and it is within the intervention', () => {
    const started = at({ status: 'STARTED', started: '2026-10-10' });
    expect(checkSession({ ...session, motivation: 5, ownVolition: true }, started, null, now)).toEqual([]);
    expect(paths(checkSession({ ...session, motivation: 6 }, started, null, now))).toEqual(['motivation']);
    expect(paths(checkSession({ ...session, kind: 'JOINT_VISIT' }, started, null, now))).toEqual(['jointWith']);
    expect(paths(checkSession({ ...session, groupSession: 'GroupSession-1' }, started, { fits: false }, now))).toEqual([
      'groupSession',
      'groupSession',
    ]);
    expect(paths(checkSession({ ...session, on: '2026-09-01' }, started, null, now))).toEqual(['on INTERVENTION_ORDER']);
    expect(paths(checkSession(session, at({ status: 'COMPLETED', ended: '2026-10-20' }), null, now))).toEqual(['on INTERVENTION_ORDER']);
  });
  it('a relapse: of what began', () => {
    const relapse = { intervention: 'Intervention-1', on: '2026-11-01', note: 'The children were with her sister.' };
    expect(checkRelapse(relapse, at({ status: 'STARTED' }), now)).toEqual([]);
    expect(paths(checkRelapse(relapse, at({ status: 'WITHDRAWN' }), now))).toEqual(['intervention INTERVENTION_STEP']);
  });
  it('an outcome: after 6 or 12 months, once each, of what has ended', () => {
    const outcome = { intervention: 'Intervention-1', months: 6, on: '2026-11-01', result: 'SUSTAINED' as const };
    const ended = at({ status: 'COMPLETED', started: '2026-03-01', ended: '2026-05-01' });
    expect(checkOutcome(outcome, ended, false, now)).toEqual([]);
    expect(paths(checkOutcome({ ...outcome, months: 7 }, at(), true, now))).toEqual([
      'months',
      'intervention INTERVENTION_STEP',
      'months INTERVENTION_OUTCOME',
    ]);
  });
  it('a breathalyser tests for alcohol', () => {
    const test = {
      intervention: 'Intervention-1',
      kind: 'BREATHALYSER' as const,
      substance: 'cocaine',
      result: 'NEGATIVE' as const,
      on: '2026-11-01',
    };
    expect(paths(checkTest(test, now))).toEqual(['substance']);
    expect(checkTest({ ...test, substance: 'alcohol' }, now)).toEqual([]);
  });
});
