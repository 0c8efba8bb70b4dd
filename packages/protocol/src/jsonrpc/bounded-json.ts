import { errorCodes, McpError } from './errors.ts'

/** How much one message may hold, whatever its length. */
export interface JsonBounds {
  /** Arrays and objects within each other: `[[0]]` is 2 deep. */
  readonly maxDepth: number
  /** Values in all, arrays and objects included: `{ "a": [0, 0] }` has 4. */
  readonly maxValues: number
}

/** The bounds of a message unless others are given: 100 deep, 100,000 values. */
export const defaultJsonBounds: JsonBounds = { maxDepth: 100, maxValues: 100_000 }

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const array = 0x5b
const arrayEnd = 0x5d
const object = 0x7b
const objectEnd = 0x7d

/**
 * Decodes JSON text, for {@link parseMessage}. The text is held against the bounds before a value is made of it.
 *
 * @throws {McpError} `parseError` when the text is not JSON, `invalidRequest` when it is past a bound, which it names.
 */
export function parseJson(text: string, bounds: JsonBounds = defaultJsonBounds): unknown {
  requireTextWithin(text, bounds)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new McpError(errorCodes.parseError, `Not JSON: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Holds a value that others have decoded against the bounds.
 *
 * @throws {McpError} `invalidRequest` when it is past a bound, which it names.
 */
export function requireWithin(value: unknown, bounds: JsonBounds = defaultJsonBounds): void {
  let values = 1
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = []
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue
      if (depth >= bounds.maxDepth) throw tooDeep(bounds)
      const members: readonly unknown[] = Array.isArray(each) ? each : Object.values(each)
      values += members.length
      if (values > bounds.maxValues) throw tooMany(bounds)
      for (const member of members) if (typeof member === 'object' && member !== null) next.push(member)
    }
    level = next
  }
}

// Without recursion, and past a string in one step: the time depends on the length alone. Text that is not JSON is left to
// the parser.
function requireTextWithin(text: string, bounds: JsonBounds): void {
  const { maxDepth, maxValues } = bounds
  const { length } = text
  // A value takes two characters, with its comma or brackets. To count brackets takes a tenth of the time of the loop, and
  // most messages have few.
  if (length <= 2 * maxValues && countUpTo('{', text, maxDepth) + countUpTo('[', text, maxDepth) <= maxDepth)
    return
  let depth = 0
  let values = 1
  let isFirst = false
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code <= 0x20) continue
    if (code === arrayEnd || code === objectEnd) {
      depth--
      isFirst = false
      continue
    }
    if (isFirst && ++values > maxValues) throw tooMany(bounds)
    isFirst = false
    if (code === quote) {
      at = endOfString(text, at)
      if (at < 0) return
    } else if (code === comma) {
      if (++values > maxValues) throw tooMany(bounds)
    } else if (code === array || code === object) {
      if (++depth > maxDepth) throw tooDeep(bounds)
      isFirst = true
    }
  }
}

/** How often the character is there, counted to one more than `most`. */
function countUpTo(character: string, text: string, most: number): number {
  let count = 0
  for (let at = text.indexOf(character); at >= 0 && count <= most; at = text.indexOf(character, at + 1))
    count++
  return count
}

/** The place of the quote that ends the string; -1 when none does. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = at
    while (text.charCodeAt(escapes - 1) === backslash) escapes--
    if ((at - escapes) % 2 === 0) return at
  }
  return -1
}

function tooDeep({ maxDepth }: JsonBounds): McpError {
  return new McpError(errorCodes.invalidRequest, `A message must not be nested more than ${maxDepth} deep`)
}

function tooMany({ maxValues }: JsonBounds): McpError {
  return new McpError(
    errorCodes.invalidRequest,
    `A message must not hold more than ${maxValues} values: send less in one`,
  )
}
