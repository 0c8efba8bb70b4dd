import { topics } from '../audience.ts'
import { check } from '../check.ts'
import { memoryFigures, type Scenario } from '../scenario.ts'

export const recoveryStorm: Scenario = {
  name: 'recovery-storm',
  checks: 'clients that are all cut at once, while resources change, come back and all know the newest',
  async run(stage) {
    const server = await stage.server()
    const all = topics(20, 'storm')
    const audience = await stage.audience({
      count: stage.size(3_000, 400),
      topics: all,
      port: () => server.port,
    })
    const before = await server.tell('memory', undefined)
    const { sessions } = await server.health()
    const recoveredBefore = audience.recovered
    const begun = performance.now()
    audience.cut()
    const { newest } = await server.tell('publish', { topics: all, times: 10_000 })
    await audience.untilNewest(newest)
    const tookMs = performance.now() - begun
    const after = await server.tell('memory', undefined)
    const recovered = audience.recovered - recoveredBefore
    check(recovered > 0, 'no stream went on where it was left')
    const opened = (await server.health()).sessions.opened - sessions.opened
    await audience.leave()
    return {
      clients: audience.size,
      'changes published': 10_000,
      'streams recovered': recovered,
      'sessions begun anew': opened,
      'all up to date after': `${Math.round(tookMs)} ms`,
      ...memoryFigures(before, after),
    }
  },
}
