/**
 * The census' rules read a second time, from their text alone and without the product's code: what of a child's final rows
 * breaks one. A property test holds the product's rules against it.
 */
import type { History } from '../../../src/modules/plan/rules.ts';

const later = '9999-12-31';

/** Codes of the rules that these rows break, warnings left out. */
export function brokenByText(h: History): string[] {
  const out = new Set<string>();
  const referrals = h.episodes.filter((e) => !e.noFurtherAction);
  // 8815, 8816, 8820, 8630, 8805, 8810, 8610.
  let openReferrals = 0;
  for (const e of referrals) {
    if (!e.closed) openReferrals += 1;
    if (!e.closed && referrals.some((f) => f.on > e.on)) out.add('8816');
    if (e.closed && e.closed < e.on) out.add('8630');
    if (!e.primaryNeed) out.add('8610');
    for (const f of referrals) {
      if (e === f) continue;
      // One begins inside the other: on its first day or after, and before the day on which it is closed.
      if (e.closed && f.on >= e.on && f.on < e.closed && (f.closed ?? later) > e.on) out.add('8820');
    }
  }
  if (openReferrals > 1) out.add('8815');
  for (const e of h.episodes) {
    if (e.closed && !e.reason) out.add('8805');
    if (!e.closed && e.reason) out.add('8810');
  }
  const need = h.plans.filter((p) => p.kind === 'CHILD_IN_NEED');
  const protection = h.plans.filter((p) => p.kind === 'CHILD_PROTECTION');
  // 4004, 4011, 4014, 8935, 8925, 8840, 8940.
  for (const [plans, open, backwards, overlapping] of [
    [need, '4004', '4011', '4014'],
    [protection, '8935', '8925', '8940'],
  ] as const) {
    if (plans.filter((p) => !p.ended).length > 1) out.add(open);
    for (const p of plans) {
      if (p.ended && p.ended < p.started) out.add(backwards);
      for (const q of plans) {
        if (p === q || !p.ended) continue;
        if (q.started >= p.started && q.started < p.ended && (q.ended ?? later) > p.started) out.add(overlapping);
      }
    }
  }
  for (const p of protection) if (p.started === p.ended) out.add('8840');
  // 4001, 4016, 4017: at no day is the child under both.
  for (const n of need)
    for (const p of protection) {
      const from = n.started > p.started ? n.started : p.started;
      const until = (n.ended ?? later) < (p.ended ?? later) ? (n.ended ?? later) : (p.ended ?? later);
      if (from < until) out.add(!n.ended && !p.ended ? '4001' : !n.ended ? '4016' : '4017');
    }
  const conferences = h.conferences.filter((c) => c.kind !== 'REVIEW');
  // 2885, 2883, 8875, 8905.
  for (const p of protection) {
    if (!conferences.some((c) => c.held === p.started)) out.add('2885');
    if (p.category === null) out.add('8905');
  }
  if (protection.length > conferences.length) out.add('2883');
  for (const c of conferences) if (['Sat', 'Sun'].includes(new Date(`${c.held}T12:00:00Z`).toUTCString().slice(0, 3))) out.add('8875');
  // 8841, 4003.
  for (const r of h.reviews) {
    const of = protection.find((p) => p.id === r.plan);
    if (!of) continue;
    if (r.held <= of.started) out.add('8841');
    if (need.some((n) => n.started < r.held && r.held < (n.ended ?? later))) out.add('4003');
  }
  // 8839, 8890, 8615.
  if (h.sections47.filter((s) => !s.ended).length > 1) out.add('8839');
  for (const s of h.sections47) {
    if (s.conferenceOn && s.started > s.conferenceOn) out.add('8615');
    for (const t of h.sections47)
      if (s !== t && s.ended && t.started >= s.started && t.started < s.ended && (t.ended ?? later) > s.started) out.add('8890');
  }
  // Each activity in a referral that stands: 4015, 1105, 2889, 1104; 4000, 8832, 8831; 8565; 2990; 8868.
  const activity: [string, string, string | null, string, string][] = [
    ...need.map((p): [string, string, string | null, string, string] => ['plan', p.started, p.ended ?? later, '4015', '4000']),
    ...protection.map((p): [string, string, string | null, string, string] => ['plan', p.started, p.ended ?? later, '1105', '8832']),
    ...h.sections47.map((s): [string, string, string | null, string, string] => ['s47', s.started, s.ended, '2889', '8831']),
    ...conferences.map((c): [string, string, string | null, string, string] => ['conference', c.held, c.held, '1104', '8831']),
  ];
  for (const [, from, until, noReferral, noAction] of activity) {
    let of: (typeof referrals)[number] | null = null;
    for (const e of referrals)
      if (e.on <= from && (of === null || e.on > of.on || (e.on === of.on && (e.closed ?? later) > (of.closed ?? later)))) of = e;
    if (of === null) {
      out.add(h.episodes.some((e) => e.on <= from) ? noAction : noReferral);
      continue;
    }
    if (of.closed && (until ?? from) > of.closed) out.add('8565');
    if (of.reason === 'RC8' || of.reason === 'RC9') out.add('2990');
  }
  for (const s of h.sections47) {
    let of: (typeof referrals)[number] | null = null;
    for (const e of referrals)
      if (e.on <= s.started && (of === null || e.on > of.on || (e.on === of.on && (e.closed ?? later) > (of.closed ?? later)))) of = e;
    if (of?.closed && !s.conferenceOn && !s.conferenceNotRequired) out.add('8868');
  }
  return [...out].sort();
}
