import type { Context } from 'koa'

/** The value of a parameter of the query that is there once; undefined otherwise. */
export function parameterOf(ctx: Context, name: string): string | undefined {
  const { querystring } = ctx
  // Nearly always it is alone and plain, and to parse a query takes long.
  if (querystring.startsWith(name) && querystring[name.length] === '=') {
    const value = querystring.slice(name.length + 1)
    if (/^[\w-]+$/.test(value)) return value
  }
  const value = ctx.query[name]
  return typeof value === 'string' ? value : undefined
}
