import { type McpServer } from '@tidings/server'
import { changesOf } from '../../src/change-index.ts'

/** The resources there are, by name. One has so long a URI that its changes soon fill a socket. */
export const uris = { a: 'model://a', b: 'model://b', long: 'model://long'.padEnd(6_000, 'g') } as const

export type Name = keyof typeof uris

/** One that our client subscribes to once and for all, and does not watch. */
export const subscribed = 'model://subscribed'

const all: readonly string[] = [...Object.values(uris), subscribed]

/** What the resources hold, whichever server tells of them; and which change told of what. */
export class Truth {
  readonly #versions = new Map(all.map((uri) => [uri, 0]))
  readonly #changes = new Map<string, { uri: string; version: number }>()

  versionOf(uri: string): number {
    return this.#versions.get(uri)!
  }

  register(server: McpServer): void {
    for (const uri of all) server.resource(uri, {}, () => String(this.versionOf(uri)))
  }

  /** Changes a resource, and has the server tell of it. */
  publish(uri: string, server: McpServer): void {
    const version = this.versionOf(uri) + 1
    this.#versions.set(uri, version)
    // Its number is known before anybody can be told of it.
    this.#changes.set(`${changesOf(server).epoch}.${changesOf(server).seq + 1}`, { uri, version })
    server.changed(uri)
  }

  /** The version that a change told of. Throws when there was no such change of this resource. */
  versionTold(uri: string, { epoch, seq }: { epoch: string; seq: number }): number {
    const change = this.#changes.get(`${epoch}.${seq}`)
    if (change?.uri !== uri) throw new Error(`Told of a change of ${uri} that never was: ${epoch}.${seq}`)
    return change.version
  }
}
