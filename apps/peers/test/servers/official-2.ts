import type { McpServer } from '@modelcontextprotocol/server'
import { serveOfficial2Modern, serveOfficial2Sessions } from '@tidings/testkit/peers/official-2'
import { offers, type ServerKind } from '../peer-server.ts'
import { newServer, putResource } from './official-2-server.ts'
import { Shelf } from './shelf.ts'

/** The server of `@modelcontextprotocol/server` as its documents have it: at 2026-07-28. */
export const official2Modern: ServerKind = {
  name: 'official 2.x modern',
  revision: '2026-07-28',
  async start() {
    const shelf = new Shelf()
    const served = await serveOfficial2Modern(({ era }) => newServer(era, shelf))
    return {
      port: served.port,
      path: '/mcp',
      offers,
      async change() {
        const text = shelf.change()
        served.changed(offers.resource.uri)
        return text
      },
      async addResource() {
        const uri = shelf.add()
        served.resourcesChanged()
        return uri
      },
      close: served.close,
    }
  },
}

/** The server of `@modelcontextprotocol/server` with sessions, for revisions up to 2025-11-25. */
export const official2Sessionful: ServerKind = {
  name: 'official 2.x sessionful',
  revision: '2025-11-25',
  async start() {
    const shelf = new Shelf()
    const sessions: McpServer[] = []
    const { port, changed, close } = await serveOfficial2Sessions(() => {
      const session = newServer('legacy', shelf)
      sessions.push(session)
      return session
    })
    return {
      port,
      path: '/mcp',
      offers,
      async change() {
        const text = shelf.change()
        await changed(offers.resource.uri)
        return text
      },
      async addResource() {
        const uri = shelf.add()
        for (const session of sessions) putResource(session, shelf, uri)
        return uri
      },
      close,
    }
  },
}
