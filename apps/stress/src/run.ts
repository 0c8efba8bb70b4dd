// Runs the scenarios, and tells what each has checked.
//
//   node dist/run.js                          all of them
//   node dist/run.js --short                  all of them, with less load
//   node dist/run.js recovery-storm --short   these only
import { type Figures, Stage } from './scenario.ts'
import { scenarios } from './scenarios/all.ts'

const args = process.argv.slice(2)
const names = args.filter((arg) => arg !== '--short')
const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name))
if (unknown.length > 0) {
  console.error(
    `No such scenario: ${unknown.join(', ')}. There are:\n  ${scenarios.map(({ name }) => name).join('\n  ')}`,
  )
  process.exit(2)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const started = performance.now()
const stage = new Stage({ short: args.includes('--short') })
const wanted = scenarios.filter(({ name }) => names.length === 0 || names.includes(name))
let failed = 0

function tell(figures: Figures): void {
  for (const [name, figure] of Object.entries(figures))
    console.log(`  ${name}: ${figure.toLocaleString('en')}`)
}

for (const scenario of wanted) {
  const { name, checks } = scenario
  console.log(`${name}: ${checks}`)
  const begun = performance.now()
  const seconds = () => ((performance.now() - begun) / 1000).toFixed(1)
  try {
    tell(await scenario.run(stage))
    console.log(`OK ${name} (${seconds()} s)\n`)
  } catch (error) {
    failed++
    console.log(`FAILED ${name} (${seconds()} s): ${(error as Error).message}\n`)
  } finally {
    await stage.endOwn()
  }
}
const how = await stage.end()
if (how !== '0') {
  failed++
  console.log(`FAILED: the server that lived through all exited: ${how}`)
}
const seconds = Math.round((performance.now() - started) / 1000)
console.log(`stress: ${wanted.length - failed} of ${wanted.length} scenarios OK (${seconds} s)`)
process.exit(failed === 0 ? 0 : 1)
