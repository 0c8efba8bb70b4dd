import type * as z from 'zod/mini'

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

/** Describes an error in one line: the first field that is wrong, and the reason. */
export function explain({ issues }: z.core.$ZodError): string {
  const [issue] = issues
  if (!issue) return 'is wrong'
  const path = issue.path.join('.')
  return `${path && `${path}: `}${reason(issue)}`
}

function reason(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue.message
  return [...new Set(issue.errors.map((issues) => explain({ issues } as z.core.$ZodError)))].join(', or ')
}
