import { now } from '../clock.ts'
import { type TransportName, endUri } from '../wire.ts'
import type { EventStream } from './event-stream.ts'
import { inParallel } from './in-parallel.ts'
import { Pool } from './pool.ts'
import { openSubscriber } from './sessions.ts'

/** Which subscribers are opened. */
export interface SubscribersToOpen {
  port: number
  transport: TransportName
  count: number
  /** What all subscribe to. */
  uris: string[]
  /** What one of them subscribes to besides, in order. */
  uriOfEach?: string[]
}

/** What the subscribers have heard. */
export interface Heard {
  events: number
  /** When the last of those who subscribed to the end heard of it. */
  lastAtMs: number
}

const atOnce = 64
// What follows tells the resources apart.
const uriIs = Buffer.from('"uri":"')
const end = Buffer.from(`${endUri}"`)

const streams: EventStream[] = []
let hearingTheEnd = 0
let events = 0
let ended = 0
let waiting: { expected: number; resolve: (heard: Heard) => void; reject: (error: Error) => void } | undefined
let allHeard: Promise<Heard>
let lost: Error | undefined
/** When each event was received, in order of arrival by subscriber; while they are wanted. */
let receivedAtMs: number[][] | undefined

function onLost(error: Error): void {
  lost ??= error
  waiting?.reject(error)
}

function startsAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let index = 0; index < wanted.length; index++) if (bytes[at + index] !== wanted[index]) return false
  return true
}

/** Where the URI of an event begins, or 0. Buffer.indexOf would go on beyond the event, through all of the buffer. */
function findUri(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    if (bytes[at] === uriIs[0] && startsAt(bytes, at, uriIs)) return at + uriIs.length
  }
  return 0
}

/** The tasks of those who hear of changes. */
export const subscriberTasks = {
  async subscribe({ port, transport, count, uris, uriOfEach }: SubscribersToOpen): Promise<void> {
    const pool = new Pool(port)
    const opened = await inParallel(count, atOnce, (index) => {
      const own = uriOfEach?.[index]
      return openSubscriber(transport, own === undefined ? uris : [...uris, own], { port, pool, onLost })
    })
    pool.close()
    if (uris.includes(endUri)) hearingTheEnd += count
    const first = streams.length
    opened.forEach((stream, index) => {
      stream.deliverTo((bytes, from, to) => {
        const uri = findUri(bytes, from, to)
        if (uri === 0) return
        if (startsAt(bytes, uri, end)) {
          if (++ended === waiting?.expected) waiting.resolve({ events, lastAtMs: now() })
          return
        }
        events++
        receivedAtMs?.[first + index]!.push(now())
      })
    })
    streams.push(...opened)
  },

  /** Waits until all have heard of the end, counting what they hear from now on. */
  startHearing({ withTimes }: { withTimes: boolean }): void {
    if (lost) throw lost
    events = 0
    ended = 0
    receivedAtMs = withTimes ? streams.map(() => []) : undefined
    allHeard = new Promise((resolve, reject) => {
      waiting = { expected: hearingTheEnd, resolve, reject }
    })
    allHeard.catch(() => {}) // asked for later
  },

  heard: (): Promise<Heard> => allHeard,

  receivedAtMs: (): number[][] => receivedAtMs!,

  /** Nobody reads from now on. */
  stopReading(): void {
    for (const { connection } of streams) connection.pause()
  },

  readOn(): void {
    for (const { connection } of streams) connection.resume()
  },
}
