import { type Binding, column, list, type RootBinding } from '../../read/binding.ts';
import { trajectory, trajectoryPoint } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'Trajectory',
    anchor: trajectory,
    fields: {
      measure: column(trajectory.measure),
      name: column(trajectory.name),
      continuedBy: column(trajectory.continuedBy),
      points: list('TrajectoryPoint', 'measure', 'measure', { keys: [{ column: 'at', type: 'date' }] }),
    },
  },
  {
    type: 'TrajectoryPoint',
    anchor: trajectoryPoint,
    fields: {
      at: column(trajectoryPoint.at),
      asIs: column(trajectoryPoint.asIs),
      fsm1: column(trajectoryPoint.fsm1),
      fsm2: column(trajectoryPoint.fsm2),
      reduction: column(trajectoryPoint.reduction),
      target: column(trajectoryPoint.target),
      actual: column(trajectoryPoint.actual),
      marker: column(trajectoryPoint.marker),
      variation: column(trajectoryPoint.variation),
      adjustedTarget: column(trajectoryPoint.adjustedTarget),
      adjustedReason: column(trajectoryPoint.adjustedReason),
      adjustedVariation: column(trajectoryPoint.adjustedVariation),
      children: column(trajectoryPoint.children),
      neighboursRate: column(trajectoryPoint.neighboursRate),
      computed: column(trajectoryPoint.computed),
      printed: column(trajectoryPoint.printed),
      source: column(trajectoryPoint.source),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  trajectories: {
    kind: 'list',
    to: 'Trajectory',
    order: { keys: [{ column: 'measure', type: 'text' }] },
    filters: { measure: { decode: 'text', where: (t, p) => `${t}.measure = ${p}` } },
  },
};
