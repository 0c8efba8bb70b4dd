import { readFile } from 'node:fs/promises'
import type { LoadHook } from 'node:module'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

/** Strips the types of a TypeScript file. Nothing is lowered, so that each function stays the one that was written. */
export const load: LoadHook = async (url, context, next) => {
  if (!/^file:.*\.ts$/.test(url)) return next(url, context)
  const file = fileURLToPath(url)
  const { code } = await transform(await readFile(file, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcefile: file,
  })
  return { format: 'module', source: code, shortCircuit: true }
}
