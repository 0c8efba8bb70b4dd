import type * as z from 'zod/mini'

/** To be passed to a parse, so that its issues say what was expected: zod/mini by itself has no words. */
export const inWords = { error: words }

// Those for what the schemas here have. All of zod's would be as large as many of them together.
function words(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}, received ${kindOf(issue.input)}`
  if (issue.code !== 'invalid_value') return 'is wrong'
  return expected(issue.values.map((value) => JSON.stringify(value)).join(' or '), issue.input)
}

/** That a value is of the right type, but not what is expected of it. */
export function expected(what: string, value: unknown): string {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value)
  return `expected ${what}, received ${typeof value === 'object' ? kindOf(value) : shown}`
}

function kindOf(value: unknown): string {
  if (value === null || Number.isNaN(value)) return String(value)
  return Array.isArray(value) ? 'array' : typeof value
}

/** What is wrong with a value, in one line: the first field that is wrong, and how. */
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
