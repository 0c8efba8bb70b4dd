import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { until } from '@tidings/testkit/until'
import { topics } from '../audience.ts'
import { check } from '../check.ts'
import { patienceMs } from '../patience.ts'
import { type Scenario } from '../scenario.ts'

export const halfOpenPeers: Scenario = {
  name: 'half-open-peers',
  checks:
    'peers that take nothing any more, and do not say so, are cut by the write deadline, and others are told as ever',
  async run(stage) {
    const server = await stage.server()
    const all = topics(1, 'half-open', 7_000)
    const network = await TcpProxy.to(server.port)
    const healthy = await stage.audience({ count: 8, topics: all, port: () => server.port })
    const gone = await stage.audience({
      count: stage.size(60, 16),
      topics: all,
      port: () => network.port,
      retryMs: 60_000,
    })
    const before = (await server.health()).write_timeouts
    network.stall('down')
    const begun = performance.now()
    let cuts = 0
    let published = 0
    let newest = {}
    await until(
      async () => {
        ;({ newest } = await server.tell('publish', { topics: all, times: 100, perTick: 1 }))
        published += 100
        cuts = (await server.health()).write_timeouts - before
        return cuts >= gone.size
      },
      () => `${cuts} of ${gone.size} half-open peers were cut`,
      patienceMs,
    )
    const tookMs = performance.now() - begun
    check(cuts === gone.size, `${cuts} were cut, ${gone.size} are half-open`)
    await healthy.untilNewest(newest)
    await healthy.leave()
    await gone.leave({ withoutAWord: true })
    await network.close()
    return {
      'half-open peers': gone.size,
      cut: cuts,
      'all cut after': `${Math.round(tookMs)} ms (write deadline 2,000 ms)`,
      'changes published': published,
      'healthy readers up to date': healthy.size,
    }
  },
}
