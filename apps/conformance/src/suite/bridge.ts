import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  isInitializeRequest,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js'

/**
 * Joins a client, connected to `front`, with a server, to which `back` leads: each gets what the other sends.
 *
 * @param streaming settles when the server can send to the client at any time. The client's requests wait for it, except
 * `initialize`: a server drops what it asks of a client that has no stream yet. Default: they do not wait.
 */
export async function bridge(front: Transport, back: Transport, streaming?: Promise<void>): Promise<void> {
  /** The client's requests that have no response yet, the latest last. */
  const open = new Set<RequestId>()
  let initialize: RequestId | undefined

  front.onmessage = (message: JSONRPCMessage) => {
    if (isJSONRPCRequest(message)) {
      open.add(message.id)
      if (isInitializeRequest(message)) initialize = message.id
    }
    const mustWait = isJSONRPCRequest(message) && message.id !== initialize
    const sent = streaming && mustWait ? streaming.then(() => back.send(message)) : back.send(message)
    sent.catch((error: unknown) => {
      if (isJSONRPCRequest(message)) {
        toFront({
          jsonrpc: '2.0',
          id: message.id,
          error: { code: -32000, message: `The bridge: ${String(error)}` },
        })
      }
    })
  }

  back.onmessage = (message: JSONRPCMessage) => {
    if ('result' in message && message.id === initialize) {
      back.setProtocolVersion?.(String(message.result.protocolVersion))
    }
    toFront(message)
  }

  function toFront(message: JSONRPCMessage): void {
    if ('method' in message) {
      // Over Streamable HTTP this goes to the stream of a request, if one is open: there the suite reads.
      void front.send(message, { relatedRequestId: [...open].at(-1) }).catch(leave)
    } else {
      if (message.id !== undefined) open.delete(message.id)
      void front.send(message).catch(leave)
    }
  }

  let left = false
  function leave(): void {
    if (left) return
    left = true
    void Promise.allSettled([front.close(), back.close()])
  }
  front.onclose = leave
  back.onclose = leave

  await back.start()
  await front.start()
}
