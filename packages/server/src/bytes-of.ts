/**
 * The bytes of heap that a text takes, never too few: one for each character, or two when there is one beyond ASCII (from
 * U+0100 on the heap takes two for every character of the text).
 */
export function bytesOf(text: string): number {
  const { length } = text
  return Buffer.byteLength(text) === length ? length : 2 * length
}
