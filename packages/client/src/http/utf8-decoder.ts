import { StringDecoder } from 'node:string_decoder'

/** The text of a body that comes in pieces, as a `TextDecoder` gives it, in less time. */
export class Utf8Decoder {
  #decoder: StringDecoder | undefined
  #hasBegun = false

  write(piece: Buffer): string {
    // After ASCII, no character is incomplete: most pieces end so.
    const isWhole = !this.#decoder && piece[piece.length - 1]! < 0x80
    const text = isWhole ? piece.toString('utf8') : (this.#decoder ??= new StringDecoder('utf8')).write(piece)
    if (this.#hasBegun || text === '') return text
    this.#hasBegun = true
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }

  /** What is left of an incomplete character. */
  end(): string {
    return this.#decoder?.end() ?? ''
  }
}
