import { StringDecoder } from 'node:string_decoder'

/** Decodes a body that arrives in pieces, with the results of `TextDecoder`, in less time. */
export class Utf8Decoder {
  #decoder: StringDecoder | undefined
  #hasBegun = false

  write(piece: Buffer): string {
    // Most pieces end with an ASCII character, and then no character is incomplete.
    const isWhole = !this.#decoder && piece[piece.length - 1]! < 0x80
    const text = isWhole ? piece.toString('utf8') : (this.#decoder ??= new StringDecoder('utf8')).write(piece)
    if (this.#hasBegun || text === '') return text
    this.#hasBegun = true
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }

  /** Returns the rest of an incomplete character. */
  end(): string {
    return this.#decoder?.end() ?? ''
  }
}
