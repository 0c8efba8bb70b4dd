import { readFile } from 'node:fs/promises'
import ts from 'typescript'
import { defineConfig, type Options } from 'tsup'
import base from '../../tsup.config.base.ts'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Marks each constant as free of side effects, so that a bundle holds only the schemas that it uses. A bundler cannot
 * know that of calls to another package.
 */
const droppableSchemas: Plugin = {
  name: 'droppable-schemas',
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const contents = await readFile(path, 'utf8')
      return {
        contents: withPureConstants(ts.createSourceFile(path, contents, ts.ScriptTarget.ES2022)),
        loader: 'ts',
      }
    })
  },
}

function withPureConstants(source: ts.SourceFile): string {
  const values = source.statements
    .filter((statement) => ts.isVariableStatement(statement))
    .flatMap(({ declarationList }) => declarationList.declarations.map(({ initializer }) => initializer!))
    .filter((value) => !ts.isLiteralExpression(value) && !ts.isArrowFunction(value))
  return values.reduceRight((text, { pos, end }) => {
    return `${text.slice(0, pos)} /* @__PURE__ */ (() => (${text.slice(pos, end)}))()${text.slice(end)}`
  }, source.text)
}

export default defineConfig({
  ...base,
  entry: { index: 'src/index.ts', client: 'src/client.ts' },
  // One copy of what both entries hold, in CommonJS as well.
  splitting: true,
  esbuildPlugins: [droppableSchemas],
})
