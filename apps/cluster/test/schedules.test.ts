import { runSchedule } from '../src/schedule.ts'

/** The number of schedules. `pnpm cluster` runs more of them. */
const schedules = 3
const firstSeed = Number(process.env['CLUSTER_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

import.meta.jest.setTimeout(120_000)

test.each(Array.from({ length: schedules }, (_, i) => firstSeed + i))(
  'whatever befalls the cluster, all are told once, each session has one home and all calls end (CLUSTER_SEED=%i)',
  async (seed) => {
    // A machine that does much else needs longer than the bar allows.
    const { steps, faults } = await runSchedule(seed, { slackMs: 6_000 })
    expect({ steps, faults }).toEqual({ steps, faults: [] })
  },
)
