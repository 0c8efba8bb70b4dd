import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { errorCodes, type InputResponses, McpError, parseJson } from '@tidings/protocol'
import { canonicalJson } from '../canonical-json.ts'

/** The part of a request that must be the same when it is made again. */
export interface RequestIdentity {
  principal: string | undefined
  method: string
  /** The params, without the answers and the state itself. */
  salient: object
}

interface State {
  /** The answers of the client so far. */
  answers: InputResponses
  /** The end of its validity, in milliseconds since 1970. */
  until: number
  /** A digest of its principal and request. */
  of: string
}

const goodForMs = 10 * 60_000
const ivBytes = 12
const tagBytes = 16

/**
 * Makes and reads `requestState`: the answers that the server would otherwise have to remember while a client gathers input. It
 * travels through the client, so it is encrypted and authenticated (AES-256-GCM), bound to principal and request, and expires.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#server-requirements-basic-workflow
 */
export class RequestStates {
  readonly #key: Buffer

  /** @param secret the source of the key. Use the same value on all nodes that serve the same clients. Default: random. */
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
   * @throws {McpError} `invalidParams` when it was tampered with, has expired, or belongs to another principal or request;
   * `invalidRequest` when it holds more values than a message may.
   */
  open(text: string, identity: RequestIdentity): InputResponses {
    const state = this.#decrypt(text)
    if (state === undefined) throw refused('was not made by this server, or was tampered with')
    if (state.until < Date.now()) throw refused('has expired: make the request again, without it')
    if (state.of !== digest(identity)) throw refused('belongs to another request')
    return state.answers
  }

  #decrypt(text: string): State | undefined {
    const bytes = Buffer.from(text, 'base64url')
    // Decoding skips characters that are not base64url.
    if (bytes.length <= ivBytes + tagBytes || bytes.toString('base64url') !== text) return undefined
    let opened: Buffer
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, ivBytes))
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
      opened = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
    } catch {
      return undefined // does not authenticate
    }
    // This server made it, of answers that came in over several rounds.
    return parseJson(opened.toString()) as State
  }
}

function refused(why: string): McpError {
  return new McpError(errorCodes.invalidParams, `The requestState ${why}`)
}

/** A client may send the fields of its params in another order. */
function digest({ principal, method, salient }: RequestIdentity): string {
  const text = canonicalJson([principal ?? null, method, salient])
  return createHash('sha256').update(text).digest('base64url')
}
