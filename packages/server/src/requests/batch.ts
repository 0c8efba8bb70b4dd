import {
  errorCodes,
  isRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  McpError,
  parseMessage,
} from '@tidings/protocol'
import { encodeError, type EncodedResponse, maxResponseLength } from './encode.ts'
import type { PeerSession } from './peer.ts'

const maxBatch = 100

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
    session.requireNewId(id)
    if (ids.has(id)) throw invalidRequest(`Two requests of the batch have the id ${JSON.stringify(id)}`)
    ids.add(id)
  }
  return messages
}

/**
 * The responses to a batch; undefined when none is wanted. Responses that are too long together become an error each.
 *
 * @param responses in the order of the requests; undefined where no answer is wanted.
 */
export function joinResponses(
  requests: readonly JSONRPCRequest[],
  responses: readonly (EncodedResponse | undefined)[],
): EncodedResponse | undefined {
  const wanted = responses.flatMap((response) => (response === undefined ? [] : [response.json]))
  if (wanted.length === 0) return undefined
  const length = wanted.reduce((sum, json) => sum + json.length + 1, 1)
  if (length <= maxResponseLength) return { json: `[${wanted.join()}]` }
  const message = `The responses to the batch are too long: ${length} characters of JSON, at most ${maxResponseLength}. Send its requests one by one`
  const error = new McpError(errorCodes.internalError, message)
  const errors = requests.flatMap(({ id }, i) =>
    responses[i] === undefined ? [] : [encodeError(id, error, () => {}).json],
  )
  return { json: `[${errors.join()}]` }
}

function invalidRequest(message: string): McpError {
  return new McpError(errorCodes.invalidRequest, message)
}
