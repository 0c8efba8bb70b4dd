import * as z from 'zod/mini'
import { expected } from './error-text.ts'

// Checked by functions: zod's own checks and formats would bring far more with them than these are.

/** A whole number that JavaScript can tell from its neighbours. */
export const Integer = z.number().check(that(Number.isSafeInteger, 'a whole number below 2^53'))

/** A number from 0 to 1. */
export const Fraction = z.number().check(that((value) => value >= 0 && value <= 1, 'a number from 0 to 1'))

/** An absolute URL. */
export const Url = z.string().check(that((text) => URL.canParse(text), 'a URL'))

/** The URI of a file or folder. */
export const FileUri = z.string().check(that((uri) => uri.startsWith('file://'), 'a file:// URI'))

function that<Value>(test: (value: Value) => boolean, what: string) {
  return z.refine<Value>(test, { error: ({ input }) => expected(what, input) })
}
