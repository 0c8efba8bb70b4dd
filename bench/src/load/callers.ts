import { setTimeout as after } from 'node:timers/promises'
import { now } from '../clock.ts'
import { type TransportName, echo } from '../wire.ts'
import { Connection } from './connection.ts'
import { inParallel } from './in-parallel.ts'
import { Pool } from './pool.ts'
import type { ResponseReceiver } from './response-reader.ts'
import { type OpenSession, openSession } from './sessions.ts'

/** Which callers are opened. */
export interface CallersToOpen {
  port: number
  transport: TransportName
  count: number
  /** Where the calls are sent, when it is not where the sessions are opened. */
  callPort?: number
}

const says = JSON.stringify(echo.says)
const call = { name: echo.name, arguments: echo.arguments }

const callers: Caller[] = []
let calls = 0
let running = false
let inFlight = 0
let failure: Error | undefined
let idle: (() => void) | undefined
let answered: (() => void) | undefined

/** One client with a session of its own, and one call in flight. */
class Caller implements ResponseReceiver {
  readonly #connection: Connection
  readonly #session: OpenSession
  /** By HTTP+SSE the answer is an event, and the response only says that the call was accepted. */
  readonly #answersOnStream: boolean
  // All of the same length, so that none is the beginning of another.
  #id = 1_000_000
  #status = 0
  #body = ''
  #awaited = 0

  constructor(port: number, transport: TransportName, session: OpenSession) {
    this.#connection = new Connection(port, fail)
    this.#session = session
    this.#answersOnStream = transport === 'http+sse'
    if (!this.#answersOnStream) return
    session.stream!.deliverTo((bytes, start, end) => {
      const event = bytes.toString('latin1', start, end)
      // Some servers ping their clients.
      if (event.includes('"id":') && !event.includes('"method":')) this.#answered(event)
    })
  }

  call(): void {
    inFlight++
    this.#body = ''
    this.#awaited = this.#answersOnStream ? 2 : 1
    this.#connection.send(this.#session.request(++this.#id, 'tools/call', call), this)
  }

  head(status: number): void {
    this.#status = status
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.#body += bytes.toString('latin1', start, end)
  }

  end(): void {
    if (this.#status >= 300) fail(new Error(`${this.#status} ${this.#body}`))
    else if (this.#answersOnStream) this.#arrived()
    else this.#answered(this.#body)
  }

  #answered(answer: string): void {
    if (answer.includes(`"id":${this.#id}`) && answer.includes(says)) this.#arrived()
    else fail(new Error(`Not the answer to ${this.#id}: ${answer}`))
  }

  #arrived(): void {
    if (--this.#awaited > 0) return
    inFlight--
    calls++
    answered?.()
    if (running) this.call()
    else if (inFlight === 0) idle?.()
  }
}

function fail(error: Error): void {
  failure ??= error
  running = false
  idle?.()
}

/** The tasks of those who call a tool. */
export const callerTasks = {
  async openCallers({ port, transport, count, callPort = port }: CallersToOpen): Promise<void> {
    const pool = new Pool(port)
    const sessions = await inParallel(count, 16, () => openSession(transport, { port, pool, onLost: fail }))
    pool.close()
    callers.push(...sessions.map((session) => new Caller(callPort, transport, session)))
  },

  /** Each calls over and over. Gives the calls answered in a second. */
  async call({ seconds }: { seconds: number }): Promise<number> {
    const allIdle = new Promise<void>((resolve) => (idle = resolve))
    // A rate of nothing is no figure, however short the time and slow the machine.
    const firstAnswer = new Promise<void>((resolve) => (answered = resolve))
    calls = 0
    running = failure === undefined
    const startedAtMs = now()
    for (const caller of callers) caller.call()
    await Promise.race([Promise.all([after(seconds * 1000), firstAnswer]), allIdle])
    answered = undefined
    const perSecond = (calls / (now() - startedAtMs)) * 1000
    running = false
    if (failure === undefined) await allIdle
    if (failure !== undefined) throw failure
    return perSecond
  },
}
