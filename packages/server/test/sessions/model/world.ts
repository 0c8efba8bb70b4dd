import type { Context } from 'koa'
import { Calls } from '../../../src/requests/calls.ts'
import type { Transport, TransportContext } from '../../../src/http/transports/transport.ts'
import { httpSse } from '../../../src/http/transports/http-sse.ts'
import { paired } from '../../../src/http/transports/paired.ts'
import { stateless, type StatelessTransport } from '../../../src/http/transports/stateless.ts'
import { streamable } from '../../../src/http/transports/streamable.ts'
import { type HandlerContext, McpServer } from '../../../src/index.ts'
import { limitsOf } from '../../../src/limits.ts'
import { silent } from '../../../src/logger.ts'
import { Sessions } from '../../../src/sessions/sessions.ts'
import { LosableBackplane } from '../../backplane/losable-backplane.ts'
import { Wire } from './wire.ts'

export const resources = ['a:0', 'a:1', 'a:2']
export const topics = [...resources, 'tools']
export const mailboxLimits = { maxMessages: 8, maxBytes: 4_000, keepMs: 1_000 }
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
  readonly #opened = new WeakMap<Context, Wire>()

  constructor(holds: number) {
    const { server } = this
    for (const uri of resources) server.resource(uri, {}, () => uri)
    server.tool('talk', {}, (_arguments, context) => this.#talk(context))
    const calls = new Calls()
    const limits = limitsOf({ sessions: { total: maxSessions } })
    const options = {
      limits,
      resumeWithinMs,
      idleTimeoutMs,
      logger: silent,
      calls,
      backplane: server.backplane,
      node: 'node',
    }
    this.sessions = new Sessions(server.changes, options)
    Object.assign(this.sessions, { mailboxLimits })
    const streams = {
      open: (ctx: Context) => {
        ctx.respond = false
        const wire = new Wire(holds)
        this.wires.add(wire)
        this.#opened.set(ctx, wire)
        return wire
      },
    }
    const env = {
      server,
      sessions: this.sessions,
      streams,
      calls,
      limits,
      logger: silent,
      retryMs: 1_000,
      requestStateSecret: undefined,
      keepSessions: true,
      messagesPath: () => '/messages',
    } as unknown as TransportContext
    this.transports = {
      'http+sse': httpSse(env),
      paired: paired(env),
      'streamable-http': streamable(env),
      stateless: stateless(env),
    }
  }

  /** The stream that a request has been answered by. */
  wireOf(ctx: Context): Wire | undefined {
    return this.#opened.get(ctx)
  }

  publish(topic: string): void {
    if (topic === 'tools') this.server.listChanged('tools')
    else this.server.changed(topic)
    this.latest.set(topic, this.server.changes.seq)
  }

  /** What was published is lost. */
  lose(): void {
    for (const topic of topics) this.latest.set(topic, 0)
    this.#backplane.lose()
  }

  async close(): Promise<void> {
    for (const talk of this.talks) talk.finish()
    await settled()
    for (const subscription of [...this.transports.stateless.subscriptions])
      subscription.end('server stopping')
    this.sessions.close()
    await settled()
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
