// Builds the demo together with the sources of the packages, and again at each change of either, and restarts
// the server. The page shows what is new when it is reloaded.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { builtinModules } from 'node:module'
import { pathToFileURL } from 'node:url'
import { context } from 'esbuild'
import { page, programs } from './esbuild.config.js'

let server

async function stopServer() {
  if (!server || server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGTERM')
  await once(server, 'exit')
}

/** What is not ours stays outside, by its place on disk: a package's dependency is not one of the demo's. */
const ownSourcesOnly = {
  name: 'own-sources-only',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === ownSourcesOnly || from.kind === 'entry-point' || path.startsWith('@tidings/')) return
      if (path.startsWith('node:') || builtinModules.includes(path)) return { path, external: true }
      const found = await build.resolve(path, { ...from, pluginData: ownSourcesOnly })
      if (found.errors.length > 0) return found
      return { path: pathToFileURL(found.path).href, external: true }
    })
  },
}

const restart = {
  name: 'restart',
  setup(build) {
    build.onEnd(async ({ errors }) => {
      if (errors.length > 0) return
      await stopServer()
      server = spawn(process.execPath, ['--enable-source-maps', 'dist/server.js'], { stdio: 'inherit' })
      server.once('exit', (code) => {
        if (code) console.error('The server has ended. It is started again at the next change.')
      })
    })
  },
}

const source = { conditions: ['@tidings/source'], logLevel: 'warning' }
const contexts = await Promise.all([
  context({ ...page, ...source, minify: false, sourcemap: 'inline' }),
  context({ ...programs, ...source, packages: 'bundle', plugins: [ownSourcesOnly, restart] }),
])
for (const building of contexts) await building.watch()

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, async () => {
    if (isStopping) return
    isStopping = true
    await Promise.all(contexts.map((building) => building.dispose()))
    await stopServer()
    process.exit(0)
  })
}
