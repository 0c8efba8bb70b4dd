import {
  errorCodes,
  isRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResponse,
  McpError,
  parseMessage,
} from '@tidings/protocol'
import type { Outlet } from '../requests/peer.ts'
import type { McpServer } from '../server.ts'
import type { Session } from './session.ts'

const maxIdLength = 256
const maxBatch = 100

/**
 * Gives what a client has sent, one message or a batch, to the server.
 *
 * @param outlet where that goes which is sent before the answer. The session's own stream when left out.
 * @returns a promise of the answer, a list for a batch; undefined when nothing in it wants one.
 * @throws {McpError} `invalidRequest`, before anything of it is done, when it is no message, a batch in a revision
 * without batches, or a request with an id that is in flight already.
 * @throws {LimitError} when the session has too many requests in flight already.
 */
export function exchange(
  body: unknown,
  session: Session,
  server: McpServer,
  outlet: Outlet = session,
): Promise<JSONRPCResponse | JSONRPCResponse[] | undefined> | undefined {
  if (!Array.isArray(body)) {
    const message = parseMessage(body)
    if (isRequest(message)) {
      requireNewId(message, session)
      session.requireRoomFor(1)
      return server.answer(message, session, outlet)
    }
    server.accept(message, session)
    return undefined
  }
  const messages = parseBatch(body, session)
  const requests = messages.filter(isRequest)
  session.requireRoomFor(requests.length)
  for (const message of messages) if (!isRequest(message)) server.accept(message, session)
  if (requests.length === 0) return undefined
  return Promise.all(requests.map((request) => server.answer(request, session, outlet))).then((answers) => {
    const wanted = answers.filter((answer) => answer !== undefined)
    return wanted.length > 0 ? wanted : undefined
  })
}

// Batches came with 2025-03-26 and went with 2025-06-18.
function parseBatch(body: unknown[], session: Session): JSONRPCMessage[] {
  if (session.revision !== '2025-03-26') {
    throw new McpError(
      errorCodes.invalidRequest,
      `Revision ${session.revision} has no batches: send one message`,
    )
  }
  if (body.length === 0)
    throw new McpError(errorCodes.invalidRequest, 'A batch must hold at least one message')
  if (body.length > maxBatch) {
    throw new McpError(errorCodes.invalidRequest, `A batch must not hold more than ${maxBatch} messages`)
  }
  const messages = body.map(parseMessage)
  const ids = new Set<string | number>()
  for (const request of messages.filter(isRequest)) {
    if (request.method === 'initialize')
      throw new McpError(errorCodes.invalidRequest, 'initialize cannot be batched')
    if (ids.has(requireNewId(request, session).id)) throw inFlight(request)
    ids.add(request.id)
  }
  return messages
}

function requireNewId(request: JSONRPCRequest, session: Session): JSONRPCRequest {
  if (typeof request.id === 'string' && request.id.length > maxIdLength) {
    throw new McpError(
      errorCodes.invalidRequest,
      `A request id must not be longer than ${maxIdLength} characters`,
    )
  }
  if (session.callOf(request.id) !== undefined) throw inFlight(request)
  return request
}

function inFlight({ id }: JSONRPCRequest): McpError {
  return new McpError(
    errorCodes.invalidRequest,
    `A request with the id ${JSON.stringify(id)} is in flight already`,
  )
}
