// A client of a checkout, by one transport.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Coverage } from './coverage.ts'
import { type Transport, watchedUri } from './road.ts'
import { serveTasks } from './tasks.ts'

const [, , checkout = ''] = process.argv
const coverage = await Coverage.start(checkout)
const entry = pathToFileURL(join(checkout, 'packages/client/src/index.ts')).href
const { connect } = (await import(entry)) as typeof import('@tidings/client')

let client: Awaited<ReturnType<typeof connect>>
let watching: ReturnType<typeof client.watch>
serveTasks(coverage, {
  async connect({ transport, url }: { transport: Transport; url: string }) {
    // In older checkouts the option is called `door`.
    const options = { transport, door: transport === 'streamable-http' ? 'streamable' : transport }
    client = await connect(
      url + (transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'),
      options,
    )
  },
  async call() {
    await client.callTool('echo', { text: 'warm' })
  },
  // Reads the contents once. From then on a change is noted, and not read: nobody asks for the next contents.
  async watch() {
    watching = client.watch(watchedUri)
    await watching.next()
  },
  // Reads the contents again after a change.
  async read() {
    await watching.next()
  },
})
