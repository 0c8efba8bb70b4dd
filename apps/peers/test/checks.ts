import type { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { eventually } from './eventually.ts'
import { Heard } from './heard.ts'
import type { PeerClient } from './peer-client.ts'
import type { Served } from './peer-server.ts'

/** A client that is connected to a server. */
export interface Pair {
  /** The newest revision that both speak. */
  revision: string
  client: PeerClient
  server: Served
  /** What is between the two. */
  network: TcpProxy
  /** How long to wait for what should come. */
  patienceMs: number
}

/** What a client and a server are to do together. */
export const checks = {
  async 'agree on the newest revision both speak'({ client, revision }: Pair) {
    expect(client.revision).toBe(revision)
  },

  async 'list tools and resources'({ client, server: { offers } }: Pair) {
    const names = [offers.add.tool, offers.steps.tool, offers.greet.tool]
    expect(await client.tools()).toEqual(expect.arrayContaining(names))
    await client.resources()
  },

  async 'call a tool'({ client, server: { offers } }: Pair) {
    expect(await client.call(offers.add.tool, offers.add.args)).toMatch(offers.add.says)
  },

  async 'read a resource'({ client, server: { offers } }: Pair) {
    expect(await client.read(offers.resource.uri)).toMatch(offers.resource.says)
  },

  async 'subscribe and hear of an update'({ client, server, patienceMs }: Pair) {
    const { uri } = server.offers.resource
    const heard = new Heard()
    await client.subscribe(uri, () => heard.add('updated'))
    const news = await server.change(client)
    await heard.until('updated', patienceMs)
    expect(await client.read(uri)).toMatch(news)
  },

  async 'hear that a list has changed'({ client, server, patienceMs }: Pair) {
    const heard = new Heard()
    await client.onResourcesChanged(() => heard.add('list_changed'))
    await client.resources()
    const uri = await server.addResource(client)
    await heard.until('list_changed', patienceMs)
    expect(await client.resources()).toContain(uri)
  },

  async 'hear of progress'({ client, server: { offers } }: Pair) {
    const heard: number[] = []
    const { tool, args, says } = offers.steps
    expect(await client.call(tool, args, { onProgress: (value) => heard.push(value) })).toMatch(says)
    expect(heard).toEqual(offers.steps.heard)
  },

  async 'be asked, and answer'({ client, server: { offers } }: Pair) {
    expect(await client.call(offers.greet.tool, offers.greet.args)).toMatch(offers.greet.says)
  },

  async 'call after a cut'({ client, server: { offers }, network, patienceMs }: Pair) {
    network.cut()
    const { tool, args, says } = offers.add
    const call = () => client.call(tool, args, { timeoutMs: 500 })
    expect(await eventually(patienceMs, call)).toMatch(says)
  },

  async 'finish a call that is cut off'({ client, server: { offers }, network, patienceMs }: Pair) {
    let isCut = false
    const onProgress = () => {
      if (isCut) return
      isCut = true
      network.cut()
    }
    const { tool, args, says } = offers.steps
    expect(await client.call(tool, args, { onProgress, timeoutMs: patienceMs })).toMatch(says)
  },

  async 'hear after a cut what has changed'({ client, server, network, patienceMs }: Pair) {
    const { uri } = server.offers.resource
    const heard = new Heard()
    await client.keepUpToDate(uri, heard.add)
    await heard.until(await server.change(client), patienceMs)
    network.goDown()
    const missed = server.change(client)
    network.heal()
    await heard.until(await missed, patienceMs)
    await heard.until(await server.change(client), patienceMs)
  },
}

export type Check = keyof typeof checks
