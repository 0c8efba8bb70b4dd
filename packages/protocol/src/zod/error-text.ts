import type * as z from 'zod/mini'

/** The characters that are shown of a text that depends on a message. */
const maxLength = 500

/** Pass it to a parse, so that its issues say what was expected: zod/mini has no messages of its own. */
export const inWords = { error: words }

// The messages of the checks in use. Zod's complete set would be as large as many schemas together.
function words(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}, received ${kindOf(issue.input)}`
  if (issue.code !== 'invalid_value') return 'is wrong'
  return expected(issue.values.map((value) => JSON.stringify(value)).join(' or '), issue.input)
}

/** Describes a value that has the right type and is still wrong. */
export function expected(subject: string, value: unknown): string {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value)
  return `expected ${subject}, received ${typeof value === 'object' ? kindOf(value) : shown}`
}

function kindOf(value: unknown): string {
  if (value === null || Number.isNaN(value)) return String(value)
  return Array.isArray(value) ? 'array' : typeof value
}

/** Says of what a reason is given. */
export function placed(path: readonly PropertyKey[], reason: string): string {
  return cut(path.length === 0 ? reason : `${path.join('.')}: ${reason}`)
}

/** The start of a text that a peer may have made long. */
export function cut(text: string): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
}

/** Describes what is wrong with a field. */
export function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue.message
  return [...new Set(issue.errors.map(explain))].join(', or ')
}

/** The first field that is wrong, and the reason. */
function explain(issues: readonly z.core.$ZodIssue[]): string {
  const [issue] = issues
  return issue ? placed(issue.path, reasonOf(issue)) : 'is wrong'
}
