import { startNginx } from '../harness/nginx.ts'
import { proxyTo } from '../harness/proxy-to.ts'
import { start } from '../harness/start.ts'
import { connectTidings, transports, nextState } from '../harness/tidings-client.ts'

const uri = 'demo://counter'
const ways = [
  { buffering: false, keepAlive: false },
  { buffering: false, keepAlive: true },
  { buffering: true, keepAlive: false },
  { buffering: true, keepAlive: true },
]

// The way it is set up: proxy_buffering, and keep-alive connections to the server or, by default, none.
test.each(transports.flatMap((transport) => ways.map((way) => ({ transport, ...way }))))(
  'behind nginx, %j: answers, progress and changes arrive, and what was missed is told',
  async ({ transport, ...way }) => {
    const { port, server } = await start(
      (server) => {
        server.resource(uri, {}, () => 'it')
        server.tool('work', {}, async (_args, { progress }) => {
          for (let step = 1; step <= 3; step++) {
            progress({ progress: step, total: 3 })
            await new Promise(setImmediate)
          }
          return { content: [{ type: 'text', text: 'done' }] }
        })
      },
      { retryMs: 50 },
    )
    const proxy = await proxyTo(await startNginx(port, way))
    const client = await connectTidings(proxy.url, { transport })
    const heard: string[] = []
    client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
    await client.subscribe(uri)

    const steps: number[] = []
    const calls = [1, 2, 3].map(() =>
      client.callTool('work', {}, { onProgress: ({ progress }) => steps.push(progress) }),
    )
    for (const { content } of await Promise.all(calls)) {
      expect(content).toEqual([{ type: 'text', text: 'done' }])
    }
    expect(steps.sort()).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3])

    server.changed(uri)
    while (heard.length < 1) await client.ping()

    const lost = nextState(client, 'reconnecting')
    const back = nextState(client, 'connected')
    proxy.goDown()
    await lost
    for (let i = 0; i < 100; i++) server.changed(uri)
    proxy.heal()
    expect((await back).recovered).toBe(true)
    while (heard.length < 2) await client.ping()
    expect(heard).toEqual([uri, uri])
  },
)
