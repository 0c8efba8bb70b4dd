// Runs the official conformance suite against the fixture server and client, and tells what did not pass.
//
//   node dist/suite.js                 everything
//   node dist/suite.js ping sse-retry  these scenarios only
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCatalogue } from './catalogue.ts'
import { suiteVersion } from './cli.ts'
import { startFixtureServer } from './fixture-server.ts'
import { withoutLeftOut } from './left-out.ts'
import { legs } from './legs.ts'
import { faults } from './outcome.ts'

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const started = performance.now()
const only = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'tidings-conformance-'))
const catalogue = withoutLeftOut(await readCatalogue())
const unknown = only.filter((name) => !catalogue.server.has(name) && !catalogue.client.has(name))
if (unknown.length)
  throw new Error(`The suite has no such scenario, or it is left out: ${unknown.join(', ')}`)
const server = await startFixtureServer()
const total = { scenarios: 0, passed: 0, checks: 0 }

for (const { name, scenarios, run } of legs(catalogue, server.url)) {
  const wanted = only.length ? scenarios.filter((scenario) => only.includes(scenario)) : scenarios
  if (!wanted.length) continue
  const outcomes = await run(wanted, join(folder, name.replaceAll(/\W+/g, '-')))
  const passed = outcomes.filter((outcome) => !faults(outcome).length)
  const checks = outcomes.flatMap((outcome) => outcome.checks).filter(({ status }) => status === 'SUCCESS')
  for (const outcome of outcomes) {
    for (const fault of faults(outcome)) console.log(`FAIL  ${name}: ${outcome.scenario}: ${fault}`)
  }
  console.log(`${name}: ${passed.length} of ${outcomes.length} scenarios, ${checks.length} checks passed`)
  total.scenarios += outcomes.length
  total.passed += passed.length
  total.checks += checks.length
}
await server.stop()

const good = total.scenarios > 0 && total.passed === total.scenarios
if (good) await rm(folder, { recursive: true })
else console.log(`What the suite wrote is in ${folder}`)
const seconds = Math.round((performance.now() - started) / 1000)
console.log(
  `conformance: ${total.passed} of ${total.scenarios} scenarios passed, ${total.checks} checks ` +
    `(suite ${suiteVersion}, ${seconds} s)`,
)
process.exitCode = good ? 0 : 1
