import type { RelayMail } from './mail.ts'

type Check = (value: unknown) => boolean
type Shape = Readonly<Record<string, Check>>

const isString: Check = (value) => typeof value === 'string'
const isBoolean: Check = (value) => typeof value === 'boolean'
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isStatus: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 200 && (value as number) < 600
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isAbsentOr =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

/** What Node takes as the headers of a response. */
const areHeaders: Check = (value) =>
  isObject(value) &&
  Object.entries(value as object).every(
    ([name, value]) =>
      /^[\w!#$%&'*+.^`|~-]+$/.test(name) &&
      typeof value === 'string' &&
      /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  )

const request: Shape = {
  method: isString,
  path: isString,
  querystring: isString,
  prefix: isString,
  headers: areHeaders,
  principal: isAbsentOr(isString),
  hasBody: isBoolean,
}

/** The fields of each kind of mail. */
const shapes: { readonly [Kind in RelayMail['kind']]: Shape } = {
  request: { relayId: isCount, request: (value) => problemIn(value, request) === undefined },
  taken: { relayId: isCount, bytes: isCount },
  left: { relayId: isCount },
  answer: {
    relayId: isCount,
    status: isStatus,
    headers: areHeaders,
    hasBody: isBoolean,
    contentType: isAbsentOr(isString),
  },
  stream: { relayId: isCount, headers: areHeaders, chunked: isBoolean },
  frames: { relayId: isCount },
  end: { relayId: isCount },
  cut: { relayId: isCount },
  reset: {},
}

/**
 * Mail as another node has sent it. Nodes trust each other, but may be of another version, or share a channel with a stranger.
 *
 * @throws {TypeError} when it is not mail of this version.
 */
export function checkMail(mail: unknown): RelayMail {
  const { kind } = (mail ?? {}) as { kind?: unknown }
  if (typeof kind !== 'string' || !Object.hasOwn(shapes, kind)) {
    throw new TypeError(`Mail has no kind ${String(JSON.stringify(kind)).slice(0, 100)}`)
  }
  const problem = problemIn(mail, shapes[kind as RelayMail['kind']])
  if (problem !== undefined) throw new TypeError(`Mail of the kind ${kind} has a wrong ${problem}`)
  return mail as RelayMail
}

/** The name of the first field that is wrong. */
function problemIn(value: unknown, shape: Shape): string | undefined {
  if (!isObject(value)) return 'form'
  const fields = value as Record<string, unknown>
  return Object.keys(shape).find((name) => !shape[name]!(fields[name]))
}
