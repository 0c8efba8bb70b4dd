import { until } from '@tidings/testkit/until'
import { topics } from '../audience.ts'
import { patienceMs } from '../patience.ts'
import { type Scenario } from '../scenario.ts'

export const publishWhileResuming: Scenario = {
  name: 'publish-while-resuming',
  checks: 'readers that are cut over and over while resources change miss nothing and are told nothing twice',
  async run(stage) {
    const server = await stage.server()
    const all = topics(10, 'resuming')
    const audience = await stage.audience({
      count: stage.size(200, 60),
      topics: all,
      topicsEach: 3,
      port: () => server.port,
      retryMs: 5,
    })
    const rounds = stage.size(30, 8)
    let publishing = true
    let published = 0
    const publisher = (async () => {
      while (publishing) {
        await server.tell('publish', { topics: all, times: 200, perTick: 5 })
        published += 200
      }
    })()
    for (let round = 0; round < rounds; round++) {
      const opened = audience.readers.map(({ counts }) => counts.opened)
      audience.cut(round % 2 === 0 ? 'reset' : 'fin')
      await until(
        () => audience.readers.every(({ counts }, i) => counts.opened > opened[i]!),
        () => 'not all readers have come back',
        patienceMs,
      )
      audience.assertOrder()
    }
    publishing = false
    await publisher
    const { newest } = await server.tell('publish', { topics: all, times: all.length })
    await audience.untilNewest(newest)
    const { told, recovered } = audience
    await audience.leave()
    return {
      clients: audience.size,
      'cuts of each': rounds,
      'changes published': published + all.length,
      'changes told': told,
      'streams recovered': recovered,
    }
  },
}
