/** What the front door is told, decides and says back must be. */
import { describe, expect, it } from 'vitest';
import {
  checkAnswer,
  checkContact,
  checkDecision,
  checkFeedback,
  checkLookUp,
  checkReferral,
  checkRequest,
  isRepeat,
} from '../../../src/modules/contact/rules.ts';

const now = new Date('2026-11-20T10:00:00Z');
const paths = (errors: { path: string[] }[]) => errors.map(({ path }) => path.join('.'));

describe('identifiers', () => {
  it('is asked for by those who use it', () => {
    const by = (input: object, agency: never) => paths(checkLookUp({ reason: 'A child at the desk', ...input }, agency));
    expect(by({ nhsNumber: '9999999999' }, 'EDUCATION' as never)).toEqual(['nhsNumber']);
    expect(by({ upn: 'H801200001001' }, 'HEALTH' as never)).toEqual(['upn']);
    expect(by({ upn: 'H801200001001' }, 'POLICE' as never)).toEqual(['upn']);
    expect(by({ nhsNumber: '9999999999', upn: 'H801200001001' }, 'LA' as never)).toEqual(['upn']);
    expect(by({}, 'LA' as never)).toEqual(['nhsNumber']);
    expect(by({ nhsNumber: '9999999999' }, 'HEALTH' as never)).toEqual([]);
    expect(by({ upn: 'H801200001001', reason: ' ' }, 'EDUCATION' as never)).toEqual(['reason']);
    expect(by({ nhsNumber: '999 999 9998' }, 'LA' as never)).toEqual(['nhsNumber']);
    expect(by({ upn: 'A801200001001' }, 'LA' as never)).toEqual(['upn']);
  });
});

it('calls a contact a repeat within twelve months, the first day of them included', () => {
  expect(isRepeat('2026-11-20', ['2025-11-20'])).toBe(true);
  expect(isRepeat('2026-11-20', ['2025-11-19'])).toBe(false);
  expect(isRepeat('2026-11-20', ['2026-11-21'])).toBe(false);
  expect(isRepeat('2026-11-20', [])).toBe(false);
  expect(isRepeat('2024-02-29', ['2023-02-28'])).toBe(true);
});

it('holds a referral to what was told and why not', () => {
  const good = {
    madeOn: '2026-11-19',
    concern: 'Bruises.',
    familyKnows: 'TOLD',
    agreed: true,
    phone: '07700 900100',
    children: [{ givenName: 'A', familyName: 'B' }],
  } as never as Parameters<typeof checkReferral>[0];
  expect(checkReferral(good, now)).toEqual([]);
  expect(paths(checkReferral({ ...good, familyKnows: 'NOT_SAFE_TO_TELL' }, now))).toEqual(['whyNotTold', 'agreed']);
  expect(paths(checkReferral({ ...good, madeOn: '2026-11-21', concern: ' ', children: [] }, now))).toEqual([
    'madeOn',
    'concern',
    'children',
  ]);
  expect(paths(checkReferral({ ...good, children: [{ givenName: '', familyName: 'B', dateOfBirth: '2027-01-01' }] }, now))).toEqual([
    'children.0.givenName',
    'children.0.dateOfBirth',
  ]);
});

it('holds a contact to a day, a worry and a child, and to whom it can name', () => {
  expect(paths(checkContact({ channel: 'phone', source: '1B' }, now))).toEqual(['receivedOn', 'concern', 'children']);
  const good = { channel: 'phone', source: '9', receivedOn: '2026-11-19', concern: 'x', children: [{ givenName: 'A', familyName: 'B' }] };
  expect(checkContact(good, now)).toEqual([]);
  expect(paths(checkContact({ ...good, keptFrom: ['Person-1'] }, now))).toEqual(['keptFrom']);
  expect(paths(checkContact({ ...good, informant: { anonymous: false } }, now))).toEqual(['informant.anonymous']);
  expect(paths(checkContact({ ...good, referral: 'Referral-1', informant: { anonymous: true } }, now))).toEqual(['informant']);
});

describe('a decision', () => {
  const input = { outcome: 'NO_FURTHER_ACTION', nextStep: 'None.', reason: 'No risk.', decidedOn: '2026-11-20' } as never as Parameters<
    typeof checkDecision
  >[0];
  const row = { receivedOn: '2026-11-19', family: 1, decidedOn: null };
  it('comes after what it is about, unless it is entered late', () => {
    expect(checkDecision(input, row, now)).toEqual({ errors: [], warnings: [] });
    expect(paths(checkDecision({ ...input, decidedOn: '2026-11-18' }, row, now).errors)).toEqual(['decidedOn']);
    const late = checkDecision({ ...input, decidedOn: '2026-11-18', historical: true }, row, now);
    expect([paths(late.errors), paths(late.warnings)]).toEqual([[], ['decidedOn']]);
  });
  it('is made once', () => {
    expect(paths(checkDecision(input, { ...row, decidedOn: '2026-11-19' }, now).errors)).toEqual(['contact']);
  });
  it('takes a referral of a family and of children that are named', () => {
    expect(paths(checkDecision({ ...input, outcome: 'REFERRAL' }, { ...row, family: null }, now).errors)).toEqual(['contact', 'children']);
    expect(paths(checkDecision({ ...input, children: [{ person: 'Person-1', primaryNeed: 'N1' }] }, row, now).errors)).toEqual([
      'children',
    ]);
  });
  it('says where somebody was sent, and of early help only where that was offered', () => {
    expect(paths(checkDecision({ ...input, outcome: 'SIGNPOSTED' }, row, now).errors)).toEqual(['signpostedTo']);
    expect(paths(checkDecision({ ...input, earlyHelp: 'ACCEPTED' }, row, now).errors)).toEqual(['earlyHelp']);
  });
  it('tells the referrer no more than 300 characters', () => {
    expect(paths(checkDecision({ ...input, nextStep: 'x'.repeat(301) }, row, now).errors)).toEqual(['nextStep']);
    const feedback = { referral: 'Referral-1', kind: 'AFTER_ASSESSMENT', outcome: 'REFERRAL', givenOn: '2026-11-20' } as const;
    expect(paths(checkFeedback({ ...feedback, nextStep: 'x'.repeat(301) }, '2026-11-01', now))).toEqual(['nextStep']);
    expect(paths(checkFeedback({ ...feedback, kind: 'DECISION' }, '2026-11-21', now))).toEqual(['givenOn', 'kind']);
  });
});

it('asks whom it may ask, about somebody, by name where rows are users’ own', () => {
  const input = { organisation: 'Organisation-1', family: 'Family-1', persons: ['Person-1'], purpose: 'MASH' as const, question: 'x' };
  const asks = (more: object, agency: string) => paths(checkRequest({ ...input, ...more }, { agency: agency as never }, '2026-11-20', now));
  expect(asks({}, 'HEALTH')).toEqual([]);
  expect(asks({}, 'PROVIDER')).toEqual(['recipient']);
  expect(asks({ recipient: 'callum.strand' }, 'PROVIDER')).toEqual([]);
  expect(asks({}, 'EVALUATOR')).toEqual(['organisation']);
  expect(asks({ family: null }, 'POLICE')).toEqual(['family', 'persons']);
  expect(asks({ persons: [], dueOn: '2026-11-19' }, 'POLICE')).toEqual(['persons', 'dueOn']);
});

it('takes an answer or a refusal', () => {
  expect(paths(checkAnswer({ request: 'InformationRequest-1' }))).toEqual(['answer']);
  expect(paths(checkAnswer({ request: 'x', answer: 'y', refusal: { reasonCode: 'other', reason: 'z' } }))).toEqual(['answer']);
  expect(checkAnswer({ request: 'x', answer: 'y' })).toEqual([]);
});
