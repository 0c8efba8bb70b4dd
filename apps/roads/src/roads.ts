// Counts the files and functions that one request and one change run through, on every transport.
//
//   node dist/roads.js                       of this checkout
//   node dist/roads.js --check               exits with 1 when a spine is longer than its goal, or not what spine.ts says
//   node dist/roads.js FOLDER --spine FILE   of another checkout, whose files have the names that FILE exports by default
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Child } from './child.ts'
import { measure } from './measure.ts'
import { describe, table } from './report.ts'
import { type RoadName, sideOf, transports } from './road.ts'
import { current, type Spines } from './spine.ts'
import { judge, stale, type Verdict } from './verdict.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false }, spine: { type: 'string' } },
})
const checkout = resolve(positionals[0] ?? fileURLToPath(new URL('../../..', import.meta.url)))
const spines = values.spine === undefined ? current : await readSpines(values.spine)

const server = await Child.start('server', checkout)
const verdicts: Verdict[] = []
for (const transport of transports) {
  verdicts.push(...judge(transport, await measure(checkout, server, transport), spines))
}
server.stop()

const order = Object.keys(sideOf) as RoadName[]
verdicts.sort((a, b) => order.indexOf(a.road) - order.indexOf(b.road))
for (const verdict of verdicts) console.log(`${describe(verdict)}\n`)
console.log(table(verdicts))
const unused = stale(spines, verdicts)
for (const fault of unused) console.log(`FAULT ${fault}`)
const faults = [...verdicts.flatMap((verdict) => verdict.faults), ...unused]
console.log(`\nroads: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`)
if (values.check && faults.length > 0) process.exitCode = 1

async function readSpines(file: string): Promise<Spines> {
  const { default: found } = (await import(pathToFileURL(resolve(file)).href)) as { default: Spines }
  return found
}
