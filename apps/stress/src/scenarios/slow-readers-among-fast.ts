import { topics } from '../audience.ts'
import { check } from '../check.ts'
import { mebibytes, memoryFigures, type Scenario } from '../scenario.ts'

const mostGrowth = 64 * 2 ** 20

export const slowReadersAmongFast: Scenario = {
  name: 'slow-readers-among-fast',
  checks:
    'every fast reader is told the newest while others read nothing; memory does not grow with what is published; ' +
    'the slow are told the newest once they read again',
  async run(stage) {
    const server = await stage.server()
    const all = topics(10, 'slow', 1_000)
    const port = () => server.port
    const fast = await stage.audience({ count: stage.size(100, 20), topics: all, topicsEach: 10, port })
    const paced = () =>
      fast.measure(
        async () =>
          (await server.tell('publish', { topics: all, times: stage.size(60, 20), everyMs: 20 })).publishedAt,
        fast.size,
      )
    const alone = await paced()
    const slow = await stage.audience({ count: stage.size(50, 10), topics: all, topicsEach: 10, port })
    for (const reader of slow.readers) reader.stall()
    const before = await server.tell('memory', undefined)
    const amongSlow = await paced()
    const times = stage.size(10_000, 8_000)
    const toldBefore = fast.told
    const { newest } = await server.tell('publish', { topics: all, times, perTick: 10 })
    await fast.untilNewest(newest)
    const toldFast = fast.told - toldBefore
    const after = await server.tell('memory', undefined)
    check(
      after.heap - before.heap < mostGrowth,
      `the heap grew by ${mebibytes(after.heap - before.heap)} while ${times} changes were published`,
    )
    // Those whose streams were ended for not reading come back.
    for (const reader of slow.readers) reader.goOn()
    await slow.untilNewest(newest)
    const { told } = slow
    check(told < times * slow.size, 'nothing was merged for those who did not read')
    await fast.leave()
    await slow.leave()
    return {
      'fast readers': fast.size,
      'slow readers': slow.size,
      'changes published': times,
      'told to the fast': toldFast,
      'merged for the fast': times * fast.size - toldFast,
      'told to the slow': told,
      'merged for the slow': times * slow.size - told,
      'latency without slow readers': String(alone),
      'latency among slow readers': String(amongSlow),
      ...memoryFigures(before, after),
    }
  },
}
