import * as z from 'zod/mini'
import { expected } from './error-text.ts'

// Functions check these values: zod's own checks and formats would add far more to a bundle.

/** A whole number that JavaScript represents exactly. */
export const Integer = z.number().check(refine(Number.isSafeInteger, 'a whole number below 2^53'))

/** A number from 0 to 1. */
export const Fraction = z.number().check(refine((value) => value >= 0 && value <= 1, 'a number from 0 to 1'))

/** An absolute URL. */
export const Url = z.string().check(refine((text) => URL.canParse(text), 'a URL'))

/** The URI of a file or folder. */
export const FileUri = z.string().check(refine((uri) => uri.startsWith('file://'), 'a file:// URI'))

/** A check by a function: its error says which `subject` was expected. */
export function refine<Value>(test: (value: Value) => boolean, subject: string) {
  return z.refine<Value>(test, { error: ({ input }) => expected(subject, input) })
}
