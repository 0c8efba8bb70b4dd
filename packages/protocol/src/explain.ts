import type * as z from 'zod/mini'
import { en } from 'zod/locales'

/** To be passed to a parse, so that its issues say what was expected: zod/mini by itself has no words. */
export const inWords = { error: en().localeError }

/** What is wrong with a value, in one line: the first field that is wrong, and how. */
export function explain({ issues }: z.core.$ZodError): string {
  const [issue] = issues
  if (!issue) return 'is wrong'
  const path = issue.path.join('.')
  return `${path && `${path}: `}${reason(issue)}`
}

function reason(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0)
    return issue.message.replace('Invalid input: ', '')
  return [...new Set(issue.errors.map((issues) => explain({ issues } as z.core.$ZodError)))].join(', or ')
}
