import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { type Check, checks } from './checks.ts'
import { limits } from './limits.ts'
import type { ClientKind } from './peer-client.ts'
import type { Served, ServerKind } from './peer-server.ts'

/** One thing that one client and one server are to do together. */
interface Cell {
  /** Its name. */
  cell: string
  client: ClientKind
  server: ServerKind
  check: Check
}

/** Each client with each server, each check. */
export function cellsOf(clients: ClientKind[], servers: ServerKind[]): Cell[] {
  return clients.flatMap((client) =>
    servers.flatMap((server) =>
      (Object.keys(checks) as Check[]).map((check) => ({
        cell: `${client.name} x ${server.name}: ${check}`,
        client,
        server,
        check,
      })),
    ),
  )
}

/** A test of each cell: that it works or, where it is a known limit, that it still does not. */
export function testMatrix(clients: ClientKind[], servers: ServerKind[]): void {
  const running = new Map<ServerKind, Served>()

  beforeAll(() => Promise.all(servers.map(async (server) => running.set(server, await server.start()))))
  afterAll(() => Promise.all([...running.values()].map((server) => server.close())))

  test.each(cellsOf(clients, servers))('$cell', async (cell) => {
    const limit = limits.find((limit) => limit.cell === cell.cell)
    const server = running.get(cell.server)!
    if (limit) await expect(run(cell, server, 3_000)).rejects.toThrow(limit.fails)
    else await run(cell, server, 10_000)
  })
}

async function run(cell: Cell, server: Served, patienceMs: number): Promise<void> {
  const network = await TcpProxy.to(server.port)
  try {
    const client = await cell.client.connect(network.url + (cell.client.path ?? server.path))
    try {
      const [revision] = [cell.client.revision, cell.server.revision].sort()
      await checks[cell.check]({ client, server, network, patienceMs, revision: revision! })
    } finally {
      await client.close()
    }
  } finally {
    await network.close()
  }
}
