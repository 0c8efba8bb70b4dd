// The terminal client: prints every change of every resource of a server as it arrives, until Ctrl-C.
import { connect } from '@tidings/client'
import { reconnectedWords } from './transport-words.ts'
import { watchAll } from './watch-all.ts'
import { changeLine, eventLine, printable, styled, summaryOf } from './watch-lines.ts'

const url = process.argv[2] ?? process.env.URL ?? `http://127.0.0.1:${process.env.PORT ?? 3000}/mcp`
const startedAt = Date.now()
const counts = new Map<string, number>()
const seenAt = new Map<string, Date>()
let listed: string[] | undefined

const print = (line: string) => void process.stdout.write(`${line}\n`)

// The reader of the output may close it early (`| head`).
process.stdout.on('error', () => process.exit(0))

const client = await connect(url, { clientInfo: { name: 'tidings-demo-watch', version: '1.0.0' } }).catch(
  (error: unknown) => {
    console.error(`No server to watch at ${url}: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  },
)
print(
  `${styled('bold', `${client.serverInfo.name} ${client.serverInfo.version}`)} at ${url}` +
    styled('gray', ` (${client.transport}, revision ${client.revision}; Ctrl-C stops)`),
)

client.on('state', ({ state, recovered, error }) => {
  if (state === 'connected') print(eventLine('green', reconnectedWords(client.transport, recovered === true)))
  else if (state === 'reconnecting')
    print(eventLine('yellow', `reconnecting: ${error?.message ?? 'the stream ended'}`))
})
client.on('notifications/resources/updated', ({ uri }) => counts.set(uri, (counts.get(uri) ?? 0) + 1))
watchAll(client, {
  listed(resources) {
    const uris = resources.map((resource) => resource.uri)
    for (const uri of uris) if (listed && !listed.includes(uri)) print(eventLine('green', `added ${uri}`))
    for (const uri of listed ?? []) if (!uris.includes(uri)) print(eventLine('red', `removed ${uri}`))
    listed = uris
  },
  value(uri, contents) {
    const at = new Date()
    const before = seenAt.get(uri)
    seenAt.set(uri, at)
    print(
      changeLine({
        at,
        sinceMs: before && at.getTime() - before.getTime(),
        uri,
        uriWidth: Math.min(Math.max(...(listed ?? [uri]).map((known) => known.length)), 40),
        count: counts.get(uri) ?? 0,
        value: summaryOf(contents),
      }),
    )
  },
  failed: (uri, error) =>
    print(
      eventLine(
        'red',
        `${uri ?? 'the list of resources'}: ${error instanceof Error ? error.message : String(error)}`,
      ),
    ),
})

let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isEnding) return
    isEnding = true
    void end()
  })
}

async function end() {
  await client.close()
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  print(`\n${styled('bold', `${total} changes in ${seconds} s`)}`)
  for (const [uri, count] of [...counts].sort(([, a], [, b]) => b - a))
    print(`${String(count).padStart(8)}  ${printable(uri)}`)
}
