import { until } from '@tidings/testkit/until'
import { topics } from '../audience.ts'
import { memoryFigures, type Scenario } from '../scenario.ts'

export const abandonWithoutDelete: Scenario = {
  name: 'abandon-without-delete',
  checks: 'of clients that leave without a word, nothing is left once they might no longer come back',
  async run(stage) {
    const server = await stage.server()
    const all = topics(50, 'abandoned')
    const before = await server.tell('memory', undefined)
    const audience = await stage.audience({
      count: stage.size(1_000, 200),
      topics: all,
      topicsEach: 5,
      port: () => server.port,
    })
    const { sessions: open } = await server.health()
    const begun = performance.now()
    await audience.leave({ withoutAWord: true })
    let left = ''
    await until(
      async () => {
        const { sessions, limits } = await server.health()
        const { topics } = await server.tell('state', undefined)
        const used = Object.values(limits).reduce((sum, { used }) => sum + used, 0)
        left = `${sessions.open} sessions, ${topics} topics, ${used} counted by the limits are left`
        return sessions.open + topics + used === 0
      },
      () => left,
      30_000,
    )
    const after = await server.tell('memory', undefined)
    return {
      clients: audience.size,
      'sessions open': open.open,
      'all gone after': `${Math.round(performance.now() - begun)} ms`,
      ...memoryFigures(before, after),
    }
  },
}
