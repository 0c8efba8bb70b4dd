import {
  errorCodes,
  JSONRPC_VERSION,
  type JSONRPCMessage,
  type JSONRPCRequest,
  McpError,
  nameOf,
  type RequestId,
} from '@tidings/protocol'

/** A response, or the responses to a batch, as JSON. */
export interface EncodedResponse {
  readonly json: string
  /** The code of the JSON-RPC error, when the response is one. */
  readonly errorCode?: number
}

/**
 * The characters that a response may have. Beyond the double of it no string can be, and a response that is too long must not
 * show first where it is joined with others, or put into an event.
 */
export const maxResponseLength = 256 * 1024 * 1024

/** A handler has returned something that cannot be sent. The message is for the client: it holds nothing of the value. */
export class FaultyResult extends McpError {
  constructor(message: string, options?: { cause: unknown }) {
    super(errorCodes.internalError, message, options)
  }
}

/**
 * A message as JSON.
 *
 * @throws what `JSON.stringify` throws, and what getters and `toJSON` of the message throw.
 */
export function encodeMessage(message: JSONRPCMessage): string {
  const json = JSON.stringify(message)
  // Allowed in JSON, but some clients end a line there. To look for them takes no time where all characters are Latin.
  return json.includes('\u2028') || json.includes('\u2029') ? json.replace(/[\u2028\u2029]/g, escaped) : json
}

function escaped(separator: string): string {
  return separator === '\u2028' ? '\\u2028' : '\\u2029'
}

/**
 * The response with a result.
 *
 * @throws {FaultyResult} when the result is no object in JSON, or too long.
 * @throws what {@link encodeMessage} throws.
 */
export function encodeResult(request: JSONRPCRequest, result: object): EncodedResponse {
  const { id } = request
  const json = encodeMessage({ jsonrpc: JSONRPC_VERSION, id, result: result as Record<string, unknown> })
  const head = resultHead(id)
  if (json.charCodeAt(head) !== 0x7b) {
    throw new FaultyResult(`The result of ${subjectOf(request)} is no object in JSON`)
  }
  if (json.length <= maxResponseLength) return { json }
  throw new FaultyResult(
    `The result of ${subjectOf(request)} is too long: ${json.length} characters of JSON, at most ${maxResponseLength}`,
  )
}

/**
 * The object that JSON makes of a value that must be one.
 *
 * @throws {FaultyResult} when it makes something else of it.
 */
export function asObject(value: unknown, subject: () => string): object {
  const json: unknown = hasToJSON(value) ? value.toJSON() : value
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json
  throw new FaultyResult(`${subject()} is no object in JSON`)
}

/**
 * A value as JSON text, for contents of the kind `text`.
 *
 * @throws {FaultyResult} when JSON cannot express it, or makes nothing of it, as of a function.
 */
export function textOf(value: unknown, subject: () => string): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new FaultyResult(`${subject()} cannot be written as JSON`, { cause })
  }
  if (text !== undefined) return text
  throw new FaultyResult(`${subject()} cannot be written as JSON: it is ${kindOf(value)}`)
}

/** Names the kind of a value, and nothing of its contents. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}

function hasToJSON(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown } | null | undefined)?.toJSON === 'function'
}

const lengthAroundId = `{"jsonrpc":"${JSONRPC_VERSION}","id":,"result":`.length

/** The length of a response up to its result. */
function resultHead(id: RequestId): number {
  return lengthAroundId + (typeof id === 'number' ? String(id) : JSON.stringify(id)).length
}

/**
 * The response with an error. `data` that cannot be sent is left out.
 *
 * @param leftOut is told why.
 * @throws what getters of the error throw, and when its message is too long for a string.
 */
export function encodeError(
  id: RequestId,
  error: McpError,
  leftOut: (cause: unknown) => void,
): EncodedResponse {
  const { code, message } = error
  // A getter may say something else each time.
  if (!Number.isSafeInteger(code)) throw new TypeError('The code of an error must be a whole number')
  const response = (fields: object) =>
    ({ jsonrpc: JSONRPC_VERSION, id, error: { code, message, ...fields } }) as const
  try {
    const { data } = error
    const json = encodeMessage(response(data === undefined ? {} : { data }))
    if (json.length <= maxResponseLength) return { json, errorCode: code }
    leftOut(new RangeError(`${json.length} characters of JSON, at most ${maxResponseLength}`))
  } catch (cause) {
    leftOut(cause)
  }
  return { json: encodeMessage(response({})), errorCode: code }
}

/** Names a request in an error: its method, and the tool, prompt or resource. */
export function subjectOf({ method, params }: JSONRPCRequest): string {
  const name = nameOf(method, params)
  return name === undefined ? method : `${method} ${JSON.stringify(name.slice(0, 200))}`
}
