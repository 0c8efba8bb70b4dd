import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { errorCodes, type InputResponses, McpError } from '@tidings/protocol'

/** What must be the same when a request is made again. */
export interface RequestIdentity {
  principal: string | undefined
  method: string
  /** The params that say what is wanted: not the answers, nor the state itself. */
  salient: object
}

interface State {
  /** What the client has answered so far. */
  answers: InputResponses
  /** When it is no longer good, in milliseconds since 1970. */
  until: number
  /** Whose it is, and for which request. */
  of: string
}

const goodForMs = 10 * 60_000
const ivBytes = 12
const tagBytes = 16

/**
 * Makes and reads `requestState`: what the server would have to remember while a client gathers input. It travels
 * through the client, so it is encrypted and authenticated (AES-256-GCM), bound to principal and request, and expires.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#server-requirements-basic-workflow
 */
export class RequestStates {
  readonly #key: Buffer

  /** @param secret from which the key is made. The same on all nodes that serve the same clients; random by default. */
  constructor(secret: string | Uint8Array = randomBytes(32)) {
    this.#key = createHash('sha256').update('tidings request state').update(secret).digest()
  }

  seal(answers: InputResponses, identity: RequestIdentity): string {
    const state: State = { answers, until: Date.now() + goodForMs, of: digest(identity) }
    const iv = randomBytes(ivBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv)
    const sealed = Buffer.concat([cipher.update(JSON.stringify(state)), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
  }

  /**
   * The answers in a state.
   *
   * @throws {McpError} `invalidParams` when it was tampered with, has expired, or is of another principal or request.
   */
  open(text: string, identity: RequestIdentity): InputResponses {
    const state = this.#decrypt(text)
    if (state === undefined) throw refused('was not made by this server, or was tampered with')
    if (state.until < Date.now()) throw refused('has expired: make the request anew, without it')
    if (state.of !== digest(identity)) throw refused('belongs to another request')
    return state.answers
  }

  #decrypt(text: string): State | undefined {
    const bytes = Buffer.from(text, 'base64url')
    // What is not base64url is passed over in decoding.
    if (bytes.length <= ivBytes + tagBytes || bytes.toString('base64url') !== text) return undefined
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, ivBytes))
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
      const opened = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
      return JSON.parse(opened.toString()) as State
    } catch {
      return undefined // does not authenticate
    }
  }
}

function refused(why: string): McpError {
  return new McpError(errorCodes.invalidParams, `The requestState ${why}`)
}

function digest({ principal, method, salient }: RequestIdentity): string {
  const text = JSON.stringify([principal ?? null, method, inOrder(salient)])
  return createHash('sha256').update(text).digest('base64url')
}

/** The same value with the keys of its objects in order: a client may have written them in another. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inOrder)
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => [key, inOrder(each)])
}
