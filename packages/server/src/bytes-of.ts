/**
 * The bytes of heap that a text takes, never too few: one for each character, or two when there is one beyond ASCII (from
 * U+0100 on the heap takes two for every character of the text).
 */
export function bytesOf(text: string): number {
  const { length } = text
  return Buffer.byteLength(text) === length ? length : 2 * length
}

/** From this length on it pays to look whether a text is ASCII. */
const longText = 1_024
/** Of an object or array, and of a member of one, with its key. */
const objectBytes = 56
const memberBytes = 16

/**
 * The bytes of heap that a value decoded from JSON takes, roughly: `[[],[]]` takes ten times the bytes of its text. The value
 * must not be deep: this goes into its members by recursion.
 */
export function bytesOfValue(value: unknown): number {
  if (typeof value === 'string') return value.length < longText ? 2 * value.length : bytesOf(value)
  if (typeof value !== 'object' || value === null) return 0
  let bytes = objectBytes
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) bytes += memberBytes + bytesOfValue(value[i])
  } else {
    for (const key in value) {
      bytes += memberBytes + 2 * key.length + bytesOfValue((value as Record<string, unknown>)[key])
    }
  }
  return bytes
}
