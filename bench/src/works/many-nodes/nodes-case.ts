import { redisVersion } from '@tidings/testkit/redis-server'
import type { Lab } from '../../lab.ts'
import type { Case, Figures, Metric } from '../../work.ts'

const noRedis = 'needs Redis: apt-get install redis-server, or brew install redis'

/** A case in which Tidings is measured in two configurations, and no peer is. */
export function nodesCase(
  name: string,
  metrics: Omit<Metric, 'absolute'>[],
  run: (lab: Lab) => Promise<Figures>,
  { needsRedis = true }: { needsRedis?: boolean } = {},
): Case {
  return {
    name: `many-nodes/${name}`,
    isOfNodes: true,
    metrics: metrics.map((metric) => ({ ...metric, absolute: true })),
    whyNot(peer) {
      if (peer !== 'tidings') return 'is not measured on many nodes'
      return needsRedis && redisVersion() === undefined ? noRedis : undefined
    },
    run: (_peer, lab) => run(lab),
  }
}
