import { readFile } from 'node:fs/promises'
import { freePort } from '@tidings/testkit/free-port'
import { bundleClient, schemasAlone, schemasOfTools } from './budgets.ts'
import { codeBlocks } from './code-blocks.ts'
import { Project, withoutTypes } from './project.ts'

let project: Project

beforeAll(async () => {
  project = await Project.create()
})

afterEach(() => project.stop())
afterAll(() => project.dispose())

const roundTrip = `
  const server = new McpServer({ name: 'packed', version: '1.0.0' })
  let n = 0
  const counter = server.resource('test://n', {}, () => ({ n }))
  server.tool('count', { input: z.object({ by: z.number() }) }, ({ by }) => {
    n += by
    counter.changed()
    return { content: [{ type: 'text', text: String(n) }] }
  })
  const { url, close } = await serve(server)
  const client = await connect(url + '/sse', { transport: 'http+sse' })
  const seen = []
  for await (const { contents } of client.watch('test://n')) {
    seen.push(contents[0].text)
    if (seen.length === 2) break
    const { content } = await client.callTool('count', { by: 2 })
    seen.push(content[0].text)
    if (latestLegacyRevision !== client.revision) throw new Error(client.revision)
  }
  await client.close()
  await close()
  console.log(JSON.stringify(seen))
`

test('the packed packages run as ES modules', async () => {
  await project.write(
    'esm.mjs',
    `import { McpServer, serve } from '@tidings/server'
     import { connect } from '@tidings/client'
     import { latestLegacyRevision } from '@tidings/protocol'
     import * as z from 'zod'
     ${roundTrip.replace('seen.length === 2', 'seen.length === 3')}`,
  )
  expect(JSON.parse(await project.node('esm.mjs'))).toEqual(['{"n":0}', '2', '{"n":2}'])
})

test('the packed packages run as CommonJS', async () => {
  await project.write(
    'cjs.cjs',
    `const { McpServer, serve } = require('@tidings/server')
     const { connect } = require('@tidings/client')
     const { latestLegacyRevision } = require('@tidings/protocol')
     const z = require('zod')
     async function main() { ${roundTrip.replace('seen.length === 2', 'seen.length === 3')} }
     main()`,
  )
  expect(JSON.parse(await project.node('cjs.cjs'))).toEqual(['{"n":0}', '2', '{"n":2}'])
})

test('the packed packages bring their types, to ES modules and to CommonJS', async () => {
  const text = `
    import { McpServer, mcp, serve, type HandlerContext, type Serving } from '@tidings/server'
    import { connect } from '@tidings/client'
    import { type ResultOf } from '@tidings/protocol'
    import * as z from 'zod'
    import Koa from 'koa'
    const server = new McpServer({ name: 'typed', version: '1.0.0' })
    server.tool('t', { input: z.object({ litres: z.number() }), output: z.object({ left: z.number() }) },
      ({ litres }, { signal, progress }: HandlerContext) => ({ structuredContent: { left: litres.valueOf() } }))
    // @ts-expect-error a number is not what its schema gives
    server.tool('u', { input: z.object({ name: z.string() }) }, ({ name }) => ({ content: name * 2 }))
    // @ts-expect-error the output does not fit
    server.tool('v', { output: z.object({ left: z.number() }) }, () => ({ structuredContent: { left: 'none' } }))
    export const app: Koa = new Koa().use(mcp(server))
    export async function main(): Promise<string> {
      const serving: Serving = await serve(server, { port: 0 })
      const client = await connect(serving.url)
      const result: ResultOf<'tools/call'> = await client.callTool('t', { litres: 1 })
      return result.content.map((block) => (block.type === 'text' ? block.text : block.type)).join()
    }
  `
  await Promise.all([project.write('types.mts', text), project.write('types.cts', text)])
  expect(project.typeErrors(['types.mts', 'types.cts'])).toEqual([])
})

test('a packed package refers to nothing that is not packed', async () => {
  for (const name of ['protocol', 'server', 'client']) {
    const manifest = await readFile(`${project.folder}/node_modules/@tidings/${name}/package.json`, 'utf8')
    expect(manifest).not.toMatch('@tidings/source')
    expect(manifest).not.toMatch('workspace:')
  }
})

test('the packed client is at most 30,000 bytes in a browser, and asks for nothing of Node', async () => {
  const { size, imports, text } = await bundleClient(project)
  console.info(`The client for a browser, minified and compressed: ${size} bytes`)
  expect(imports).toEqual([])
  expect(text).not.toMatch(/["'`]node:/)
  expect(size).toBeLessThanOrEqual(30_000)
})

test('a hundred tools cost the compiler at most a fifth more than their schemas', async () => {
  await Promise.all([project.write('alone.mts', schemasAlone), project.write('tools.mts', schemasOfTools)])
  const [alone, tools] = [project.instantiations('alone.mts'), project.instantiations('tools.mts')]
  console.info(`Instantiations of 100 schemas: ${alone}; as tools: ${tools}, ${(tools / alone).toFixed(2)} x`)
  expect(tools / alone).toBeLessThanOrEqual(1.2)
})

const documents = [
  'README.md',
  'packages/protocol/README.md',
  'packages/server/README.md',
  'packages/client/README.md',
]

// A block that serves goes on while the blocks after it run; a document without one talks to the README's server.
test.each(documents)('the code in %s is correct and runs', async (document) => {
  const port = await freePort()
  const blocks = await codeBlocks(document, 'ts')
  const isServer = (text: string) => /\blisten\(|\bserve\(/.test(text)
  if (document.includes('client'))
    blocks.unshift(...(await codeBlocks('README.md', 'ts')).filter(isServer).slice(0, 1))
  expect(blocks.length).toBeGreaterThan(0)
  const files = blocks.map((_, index) => `${document.replaceAll(/\W/g, '-')}-${index}`)
  for (const [index, text] of blocks.entries()) {
    const atPort = text.replaceAll('3000', String(port))
    await project.write(`${files[index]}.mts`, `${atPort}\nexport {}`)
    await project.write(`${files[index]}.mjs`, withoutTypes(atPort))
  }
  expect(project.typeErrors(files.map((file) => `${file}.mts`))).toEqual([])
  for (const [index, text] of blocks.entries()) {
    if (isServer(text)) {
      await project.stop()
      await project.serve(`${files[index]}.mjs`, port)
    } else {
      await project.node(`${files[index]}.mjs`)
    }
  }
})
