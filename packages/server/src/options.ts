// A type checker finds wrong options; plain JavaScript does not. There they would show as a limit that limits nothing, or
// as a timer that fires at once.

/** @throws {TypeError} when one of the given options is no number of at least `least`. */
export function requireNumbers(options: Record<string, number | undefined>, least = 0): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (typeof value === 'number' && value >= least)) continue
    throw new TypeError(`${name} must be a number of at least ${least}, got ${describe(value)}`)
  }
}

/**
 * For numbers that are written to the wire as digits, or count things.
 *
 * @throws {TypeError} when one of the given options is no whole number from `least` to `most`.
 */
export function requireWholeNumbers(
  options: Record<string, number | undefined>,
  least = 0,
  most = 2 ** 31 - 1,
): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) continue
    throw new TypeError(`${name} must be a whole number from ${least} to ${most}, got ${describe(value)}`)
  }
}

/** @throws {TypeError} when the value is no object, or has another field than the known ones. */
export function requireKnown(name: string, value: object, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name} must be an object, got ${describe(value)}`)
  }
  const unknown = Object.keys(value).find((field) => !known.includes(field))
  if (unknown === undefined) return
  throw new TypeError(`${name} has no field ${unknown}: it has ${known.join(', ')}`)
}

/** Option names of the official SDK, and their names here. */
const otherNames = { inputSchema: 'input', outputSchema: 'output', argsSchema: 'input' }

/**
 * @param subject the thing that is registered, for the error.
 * @throws {TypeError} when the options are no object, or have names of the official SDK, or the handler is no function.
 */
export function requireRegistration(subject: string, options: unknown, handler: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `${subject}: its options must be an object, which may be empty, got ${describe(options)}`,
    )
  }
  if (typeof handler !== 'function') {
    throw new TypeError(
      `${subject}: its handler, after the options, must be a function, got ${describe(handler)}`,
    )
  }
  for (const [other, name] of Object.entries(otherNames)) {
    if (other in options) throw new TypeError(`${subject}: the option ${other} is called ${name} here`)
  }
}

/** Names any value in an error, without its contents. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
