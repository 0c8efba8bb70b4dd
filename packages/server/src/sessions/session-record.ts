import {
  isLegacyRevision,
  type LoggingLevel,
  loggingLevels,
  parseJson,
  type RequestId,
} from '@tidings/protocol'
import type { LegacyRevision } from '@tidings/protocol'
import { bytesOf } from '../bytes-of.ts'
import { type Check, has, isCount, isObject, isString, listOf, optional, tuple } from '../checks.ts'
import type { ChannelRecord } from './channel.ts'
import { homeOf, type MailRecord } from './mailbox.ts'

/** The transports that have sessions. */
export type SessionTransport = 'http+sse' | 'paired' | 'streamable-http'

/** The stream of a request, for another node to go on with. */
export interface RequestStreamRecord {
  readonly number: number
  /** The requests that it answers. */
  readonly requests: readonly RequestId[]
}

/** A session, as the backplane keeps it for the next home. */
export interface SessionRecord {
  readonly version: 1
  readonly key: string
  readonly transport: SessionTransport
  readonly principal?: string | undefined
  readonly revision: LegacyRevision
  /** What the client said of itself, as JSON. */
  readonly about?: string | undefined
  readonly logLevel: LoggingLevel
  readonly channel: ChannelRecord
  /** The requests whose answers go to the session's own stream, and that are not answered yet. */
  readonly requests: readonly RequestId[]
  readonly lastStream: number
  readonly streams: readonly RequestStreamRecord[]
}

/** The bytes that the record of a session may have. Beyond them the messages of its stream are left out. */
const maxRecordBytes = 4 * 1024 * 1024

/** Writes the record: without the messages of its stream, if they are too long. */
export function encodeRecord(record: SessionRecord): string {
  const json = JSON.stringify(record)
  if (json.length <= maxRecordBytes / 2 || bytesOf(json) <= maxRecordBytes) return json
  const mail = { ...record.channel.mail, messages: [], written: 0 }
  return JSON.stringify({ ...record, channel: { ...record.channel, mail } })
}

/** Whether another home has recorded the session after the one that has made `record`. */
export function isNewer(stored: string, record: SessionRecord): boolean {
  const other = decodeRecord(stored)
  return other !== undefined && homeOf(other.channel.mail) > homeOf(record.channel.mail)
}

/** Undefined for what is no record, or one of another version of this package. */
export function decodeRecord(json: string): SessionRecord | undefined {
  try {
    const value = parseJson(json, { maxDepth: 10, maxValues: 1_000_000 })
    return isSessionRecord(value) ? (value as SessionRecord) : undefined
  } catch {
    return undefined // no JSON
  }
}

const isOneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value)
const isPosition: Check = (value) => value === -1 || isCount(value)
const isRequestId: Check = (value) => isString(value) || typeof value === 'number'

const isMailShape = has({
  messages: listOf(tuple(isCount, isString, isPosition)),
  written: isCount,
  lastNumber: isCount,
  lastWritten: isCount,
  letGo: tuple(isCount, isPosition),
} satisfies Record<keyof MailRecord, Check>)

const isMailRecord: Check = (value) => {
  if (!isMailShape(value)) return false
  const { messages, written } = value as MailRecord
  return written <= messages.length
}

/** What a client said of itself. */
const isAbout: Check = (value) => {
  try {
    return isString(value) && isObject(JSON.parse(value as string))
  } catch {
    return false // no JSON
  }
}

const isChannelRecord = has({
  epoch: isString,
  mail: isMailRecord,
  watches: listOf(tuple(isString, isCount)),
} satisfies Record<keyof ChannelRecord, Check>)

const isSessionRecord = has({
  version: isOneOf([1]),
  key: isString,
  transport: isOneOf(['http+sse', 'paired', 'streamable-http'] satisfies SessionTransport[]),
  principal: optional(isString),
  revision: (value) => isString(value) && isLegacyRevision(value as string),
  about: optional(isAbout),
  logLevel: isOneOf(loggingLevels),
  channel: isChannelRecord,
  requests: listOf(isRequestId),
  lastStream: isCount,
  streams: listOf(has({ number: isCount, requests: listOf(isRequestId) })),
} satisfies Record<keyof SessionRecord, Check>)
