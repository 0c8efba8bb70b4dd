import { Log } from '@tidings/testkit/log'
import { Calls } from '../../../src/requests/call.ts'
import type { Transport, TransportContext } from '../../../src/http/transports/transport.ts'
import { httpSse } from '../../../src/http/transports/http-sse.ts'
import { paired } from '../../../src/http/transports/paired.ts'
import { stateless, type StatelessTransport } from '../../../src/http/transports/stateless.ts'
import { streamable } from '../../../src/http/transports/streamable.ts'
import { type HandlerContext, McpServer } from '../../../src/index.ts'
import { resolveMountOptions } from '../../../src/http/options.ts'
import { internalsOf } from '../../../src/internals.ts'
import { Sessions } from '../../../src/sessions/sessions.ts'
import { LosableBackplane } from '../../backplane/losable-backplane.ts'
import { ModelResponse, Wire } from './wire.ts'
import { changesOf } from '../../harness/internals.ts'

export const resources = ['a:0', 'a:1', 'a:2']
export const topics = [...resources, 'tools']
export const mailboxLimits = { maxMessages: 8, keepMs: 1_000 }
/** The bytes that may be held: soon more than are kept for those who may return. */
export const maxBytes = { total: 14_000, perSession: 4_000 }
export const maxSessions = 3
const resumeWithinMs = 1_000
const idleTimeoutMs = 3_000

/** A call of the tool `talk`, which does what the test says. */
export interface Talk {
  /** Of the request. */
  readonly name: string
  readonly context: HandlerContext
  /** How many log messages, and how much progress, it has sent. */
  said: number
  progress: number
  finish(): void
}

/** A server and its transports, without HTTP. */
export class World {
  readonly #backplane = new LosableBackplane()
  readonly server = new McpServer({ name: 'model', version: '0' }, { backplane: this.#backplane })
  readonly sessions: Sessions
  readonly transports: {
    'http+sse': Transport
    paired: Transport
    'streamable-http': Transport
    stateless: StatelessTransport
  }
  readonly wires = new Set<Wire>()
  readonly talks: Talk[] = []
  /** The latest change of each topic, by what the test has published. */
  readonly latest = new Map<string, number>()
  readonly #calls: Calls
  readonly #holds: number

  constructor(holds: number) {
    const { server } = this
    for (const uri of resources) server.resource(uri, {}, () => uri)
    server.tool('talk', {}, (_arguments, context) => this.#talk(context))
    this.#holds = holds
    const calls = (this.#calls = new Calls(Infinity))
    const options = resolveMountOptions(
      { limits: { sessions: { total: maxSessions }, bytes: maxBytes }, resumeWithinMs, idleTimeoutMs },
      new Log(),
    )
    const internals = internalsOf(server)
    const { changes } = internals
    this.sessions = new Sessions(changes, { ...internals, ...options, calls, areStored: false, node: 'node' })
    Object.assign(this.sessions, { mailboxLimits })
    const context: TransportContext = { ...internals, sessions: this.sessions, calls, options }
    this.transports = {
      'http+sse': httpSse(context),
      paired: paired(context),
      'streamable-http': streamable(context),
      stateless: stateless(context),
    }
  }

  /** The response to a request, which may become a stream. */
  response(): ModelResponse {
    return new ModelResponse(() => {
      const wire = new Wire(this.#holds)
      this.wires.add(wire)
      return wire
    })
  }

  publish(topic: string): void {
    if (topic === 'tools') this.server.listChanged('tools')
    else this.server.changed(topic)
    this.latest.set(topic, changesOf(this.server).seq)
  }

  /** What was published is lost. */
  lose(): void {
    for (const topic of topics) this.latest.set(topic, 0)
    this.#backplane.lose()
  }

  async close(): Promise<void> {
    for (const talk of this.talks) talk.finish()
    await settled()
    for (const stream of [...this.transports.stateless.listenStreams]) stream.end('server stopping')
    this.sessions.close()
    await settled()
    await this.#calls.close(0)
  }

  #talk(context: HandlerContext): Promise<{ content: [] }> {
    return new Promise((resolve) => {
      const name = String(context.requestId)
      const finish = () => {
        const index = this.talks.indexOf(talk)
        if (index >= 0) this.talks.splice(index, 1)
        resolve({ content: [] })
      }
      const talk: Talk = { name, context, said: 0, progress: 0, finish }
      context.signal.addEventListener('abort', finish)
      this.talks.push(talk)
    })
  }
}

/** All that follows from what was done, but for what waits for time, has been done. */
export function settled(): Promise<void> {
  // What is answered by then is written at the end of that tick.
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
