// What a type checker tells of wrong options, plain JavaScript does not: they would show as a limit that limits nothing, or
// a timer that fires at once.

/** @throws {TypeError} when one of the options, where it is given, is no number of at least `least`. */
export function requireNumbers(options: Record<string, number | undefined>, least = 0): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (typeof value === 'number' && value >= least)) continue
    throw new TypeError(`${name} must be a number of at least ${least}, got ${said(value)}`)
  }
}

/** What the official SDK calls options that have another name here. */
const otherNames = { inputSchema: 'input', outputSchema: 'output', argsSchema: 'input' }

/**
 * @param what is registered, for the error.
 * @throws {TypeError} when the options are none, have names that are the official SDK's, or the handler is no function.
 */
export function requireRegistration(what: string, options: unknown, handler: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${what}: its options must be an object, which may be empty, got ${said(options)}`)
  }
  if (typeof handler !== 'function') {
    throw new TypeError(`${what}: its handler, after the options, must be a function, got ${said(handler)}`)
  }
  for (const [other, name] of Object.entries(otherNames)) {
    if (other in options) throw new TypeError(`${what}: the option ${other} is called ${name} here`)
  }
}

/** A value in words: whatever it is, and without what is in it. */
function said(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
