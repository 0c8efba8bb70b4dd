import * as fs from 'node:fs'
import { register } from 'node:module'

// The suite imports `globSync` of Node 22 by name, for a command that is not run here, and without it does not start.
const hooks = `
  export async function resolve(specifier, context, next) {
    const forSuite = context.parentURL?.includes('/@modelcontextprotocol/conformance/')
    if (forSuite && /^(node:)?fs$/.test(specifier)) return { url: 'fs-with-glob:', shortCircuit: true }
    return next(specifier, context)
  }
  export async function load(url, context, next) {
    if (url !== 'fs-with-glob:') return next(url, context)
    const source = "export * from 'node:fs'; export { default } from 'node:fs'; export const globSync = undefined"
    return { format: 'module', source, shortCircuit: true }
  }
`

if (!('globSync' in fs)) register(`data:text/javascript,${encodeURIComponent(hooks)}`)
