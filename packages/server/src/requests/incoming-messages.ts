import { errorCodes, isRequest, type JSONRPCMessage, McpError, parseMessage } from '@tidings/protocol'
import type { PeerSession } from './peer.ts'

const maxIdLength = 256
const maxBatch = 100

/**
 * The message in a body.
 *
 * @throws {McpError} `invalidRequest` when it is no message, or a request whose id is too long or in flight already.
 */
export function parseSingle(body: unknown, session: PeerSession): JSONRPCMessage {
  const message = parseMessage(body)
  if (isRequest(message)) requireNewId(message.id, session)
  return message
}

/**
 * The messages of a batch. Batches came with 2025-03-26 and went with 2025-06-18.
 *
 * @throws {McpError} `invalidRequest` when the revision has no batches, or a message of it is not to be taken.
 */
export function parseBatch(body: unknown[], session: PeerSession): JSONRPCMessage[] {
  if (session.revision !== '2025-03-26') {
    throw invalidRequest(`Revision ${session.revision} has no batches: send one message`)
  }
  if (body.length === 0) throw invalidRequest('A batch must hold at least one message')
  if (body.length > maxBatch) {
    throw invalidRequest(`A batch must not hold more than ${maxBatch} messages, got ${body.length}`)
  }
  const messages = body.map(parseMessage)
  const ids = new Set<string | number>()
  for (const { id, method } of messages.filter(isRequest)) {
    if (method === 'initialize') throw invalidRequest('initialize cannot be batched')
    requireNewId(id, session)
    if (ids.has(id)) throw inFlight(id)
    ids.add(id)
  }
  return messages
}

function requireNewId(id: string | number, session: PeerSession): void {
  if (typeof id === 'string' && id.length > maxIdLength) {
    throw invalidRequest(`A request id must not be longer than ${maxIdLength} characters`)
  }
  if (session.callOf(id) !== undefined) throw inFlight(id)
}

function inFlight(id: string | number): McpError {
  return invalidRequest(`A request with the id ${JSON.stringify(id)} is in flight already`)
}

function invalidRequest(message: string): McpError {
  return new McpError(errorCodes.invalidRequest, message)
}
