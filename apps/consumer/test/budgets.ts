import { brotliCompressSync, constants } from 'node:zlib'
import { build, type Metafile } from 'esbuild'
import type { Project } from './project.ts'

/** A bundle of the packed client, for a browser. */
export interface Bundle {
  /** Bytes of it, minified and compressed with brotli. */
  size: number
  /** What it leaves to be imported when it runs. */
  imports: string[]
  text: string
}

/** Bundles the packed client for a browser, minified, as ES module. */
export async function bundleClient(project: Project): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { connect } from '@tidings/client'`, resolveDir: project.folder },
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    metafile: true,
    write: false,
  })
  const [{ contents, text }] = outputFiles as [(typeof outputFiles)[0]]
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
  return { size: brotliCompressSync(contents, quality).length, imports: importsOf(metafile), text }
}

function importsOf({ outputs }: Metafile): string[] {
  return Object.values(outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
}

const tools = Array.from({ length: 100 }, (_, n) => ({
  name: `tool${n}`,
  schema: `z.object({
    name: z.string().min(1).describe('Which one of ${n}'),
    litres${n}: z.number().int().positive(),
    kind: z.enum(['rain${n}', 'tap', 'spring']),
    tags: z.array(z.string()).optional(),
    bed: z.object({ row${n}: z.number(), shelf: z.string().nullable() }),
    dry: z.boolean().default(false),
  })`,
  fields: `{ name, litres${n}, kind, tags, bed, dry }`,
  result: `({
    content: [{ type: 'text' as const, text: [name, litres${n} + 1, kind, tags?.length, bed.row${n}, dry].join() }],
  })`,
}))

/** A hundred schemas, and a handler of each. */
export const schemasAlone = [
  `import * as z from 'zod'`,
  ...tools.map(
    ({ name, schema, fields, result }) =>
      `const ${name} = ${schema}\nexport const ${name}Handler = (${fields}: z.infer<typeof ${name}>) => ${result}`,
  ),
].join('\n')

/** The same, as the tools of a server. */
export const schemasOfTools = [
  `import * as z from 'zod'`,
  `import { McpServer } from '@tidings/server'`,
  `export const server = new McpServer({ name: 'typed', version: '1.0.0' })`,
  ...tools.map(
    ({ name, schema, fields, result }) =>
      `server.tool('${name}', { input: ${schema} }, (${fields}) => ${result})`,
  ),
].join('\n')
