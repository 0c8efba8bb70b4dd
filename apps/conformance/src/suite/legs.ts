import { fileURLToPath } from 'node:url'
import { bridgeToServer } from './bridge-to-server.ts'
import { type Catalogue, revisionsOf, type Scenarios } from './catalogue.ts'
import { runClientLeg } from './client-leg.ts'
import type { Outcome } from './outcome.ts'
import { runServerLeg } from './server-leg.ts'
import { pinVersion } from './version-pin.ts'

/** One part of the whole run: some scenarios at one revision, against the server or the client. */
export interface Leg {
  name: string
  scenarios: readonly string[]
  /** Runs the scenarios, or some of them. `folder` is where the suite may write its results. */
  run: (scenarios: readonly string[], folder: string) => Promise<Outcome[]>
}

/** The latest revision with sessions: the one that the suite's own client asks for. */
const withSessions = '2025-11-25'

/** What HTTP+SSE has no part in: the rules of Streamable HTTP's sessions and streams, and the bridge's own HTTP. */
const notOverSse = [
  'server-session-lifecycle',
  'server-sse-polling',
  'server-sse-multiple-streams',
  'dns-rebinding-protection',
  'sse-retry',
]

/** The command that runs one of the built programs. */
const program = (name: string) => `"${process.execPath}" "${fileURLToPath(new URL(name, import.meta.url))}"`

/** Everything that is run, with the server at `serverUrl`, such as `http://localhost:20000`. */
export function legs({ server, client }: Catalogue, serverUrl: string): Leg[] {
  const mcp = new URL('/mcp', serverUrl).href
  const sse = new URL('/sse', serverUrl).href
  const overSse = namesAt(withSessions, server).filter((name) => !notOverSse.includes(name))
  return [
    ...revisionsOf(server).map((revision): Leg => ({
      name: `server ${revision}`,
      scenarios: namesAt(revision, server),
      run: (scenarios, folder) => runServerLeg({ url: mcp, revision, scenarios, folder }),
    })),
    // The suite has one scenario for 2025-03-26: those of the next revision serve for both.
    ...['2025-03-26', '2025-06-18'].map((revision): Leg => ({
      name: `server ${revision} forced`,
      scenarios: namesAt('2025-06-18', server),
      run: (scenarios, folder) =>
        pinned(mcp, revision, (url) => runServerLeg({ url, revision: '2025-06-18', scenarios, folder })),
    })),
    {
      name: `server ${withSessions} over HTTP+SSE`,
      scenarios: overSse,
      run: (scenarios, folder) =>
        bridged(sse, (url) => runServerLeg({ url, revision: withSessions, scenarios, folder })),
    },
    {
      name: 'server 2024-11-05 forced over HTTP+SSE',
      scenarios: overSse,
      run: (scenarios, folder) =>
        bridged(sse, (bridge) =>
          pinned(bridge, '2024-11-05', (url) =>
            runServerLeg({ url, revision: withSessions, scenarios, folder }),
          ),
        ),
    },
    ...revisionsOf(client).map((revision): Leg => ({
      name: `client ${revision}`,
      scenarios: namesAt(revision, client),
      run: (scenarios, folder) =>
        runClientLeg({ command: program('./client.js'), revision, scenarios, folder }),
    })),
    {
      name: `client ${withSessions} over HTTP+SSE`,
      scenarios: namesAt(withSessions, client).filter((name) => !notOverSse.includes(name)),
      run: (scenarios, folder) => {
        const command = `${program('./bridge-for-client.js')} ${program('./client.js')}`
        return runClientLeg({ command, revision: withSessions, scenarios, folder })
      },
    },
  ]
}

function namesAt(revision: string, scenarios: Scenarios): string[] {
  return [...scenarios].filter(([, revisions]) => revisions.includes(revision)).map(([name]) => name)
}

type Run = (url: string) => Promise<Outcome[]>

async function bridged(sse: string, run: Run): Promise<Outcome[]> {
  const bridge = await bridgeToServer(new URL(sse))
  try {
    return await run(bridge.url)
  } finally {
    await bridge.close()
  }
}

async function pinned(endpoint: string, revision: string, run: Run): Promise<Outcome[]> {
  const proxy = await pinVersion(new URL(endpoint), revision)
  try {
    const outcomes = await run(proxy.url)
    if (proxy.pinned === 0) throw new Error(`Nothing asked for a revision, so ${revision} was not forced`)
    return outcomes
  } finally {
    await proxy.close()
  }
}
