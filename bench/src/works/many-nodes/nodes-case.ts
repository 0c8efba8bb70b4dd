import type { Lab } from '../../lab.ts'
import type { Case, Figures, Metric } from '../../work.ts'

/** A case in which Tidings is measured in two configurations, and no peer is. */
export function nodesCase(
  name: string,
  metrics: Omit<Metric, 'absolute'>[],
  run: (lab: Lab) => Promise<Figures>,
): Case {
  return {
    name: `many-nodes/${name}`,
    isOfNodes: true,
    metrics: metrics.map((metric) => ({ ...metric, absolute: true })),
    whyNot: (peer) => (peer === 'tidings' ? undefined : 'is not measured on many nodes'),
    run: (_peer, lab) => run(lab),
  }
}
