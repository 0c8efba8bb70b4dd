// Measures, and tells. See README.md.
import { join } from 'node:path'
import { parseCommand } from './command.ts'
import { profilesFolder } from './lab.ts'
import { type MeasureOptions, measure, type Outcome } from './measure.ts'
import { topFunctions } from './profile.ts'
import { loadOf, partedOutcomes, tablesOf } from './report.ts'
import { writeNodes, writeResults } from './results-file.ts'

const command = parseCommand(process.argv.slice(2))
const outcomes: Outcome[] = []
const profiles: string[] = []
let failures = 0

const options: MeasureOptions = {
  ...command,
  profileOf(aCase, peer, round) {
    if (!command.profile || peer !== 'tidings' || round !== command.rounds - 1) return undefined
    const file = join(profilesFolder, `${aCase.name.replaceAll('/', '-')}.cpuprofile`)
    profiles.push(file)
    return file
  },
  onRun(aCase, peer, round, figures) {
    const where = `${aCase.name} ${peer} ${round + 1}/${command.rounds}`
    if (figures instanceof Error) {
      failures++
      console.error(`${where}: ${figures.stack}`)
      return
    }
    const all = Object.entries(figures).map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`)
    console.error(`${where}: ${all.join(', ')}`)
  },
}

for (const aCase of command.cases) {
  const outcome = await measure(aCase, options)
  outcomes.push(outcome)
  if (command.cases.length > 1) console.error(`\n${tablesOf([outcome], command.peers)}\n`)
}
const table = tablesOf(outcomes, command.peers)
console.log(table)
for (const file of profiles) {
  console.log(`\n${file}`)
  for (const line of await topFunctions(file, 15)) console.log(line)
}
const [nodes, others] = partedOutcomes(outcomes)
if (others.length > 0) {
  console.log(`\nCores used by what is measured, and by the other side:\n\n${loadOf(others, command.peers)}`)
}
if (command.isWhole) await writeResults(others, command.rounds)
if (command.hasAllNodes) await writeNodes(nodes, command.rounds)
process.exitCode = failures > 0 ? 1 : 0
