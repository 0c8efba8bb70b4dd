// Runs schedules of faults, and tells what each has found.
//
//   node dist/schedules.js --schedules 1000 --seed 1 --parallel 3
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runSchedule, type ScheduleReport } from './schedule.ts'
import { stepNames } from './steps.ts'

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    parallel: { type: 'string', default: '1' },
    slack: { type: 'string', default: '1000' },
  },
})
const [schedules, firstSeed, parallel, slackMs] = [
  values.schedules,
  values.seed,
  values.parallel,
  values.slack,
].map(Number) as [number, number, number, number]

const reports: ScheduleReport[] = []
let next = 0

async function work(): Promise<void> {
  while (next < schedules) {
    const report = await runSchedule(firstSeed + next++, { slackMs })
    reports.push(report)
    const { seed, steps, faults, toldAfterMs, doubts, calls, errors, history } = report
    const failed = Object.values(errors).reduce((sum, count) => sum + count, 0)
    console.log(
      `${faults.length === 0 ? 'ok    ' : 'FAILED'} seed ${seed}: ${steps.join(', ')}: told after ${Math.round(toldAfterMs)} ms, ` +
        `${failed} of ${calls} calls failed, ${doubts} doubts`,
    )
    if (faults.length === 0) continue
    for (const fault of faults) console.log(`       ${fault}`)
    const file = join(tmpdir(), `tidings-schedule-${seed}.log`)
    await writeFile(file, history)
    console.log(`       What has happened: ${file}`)
  }
}

await Promise.all(Array.from({ length: parallel }, work))

const failed = reports.filter(({ faults }) => faults.length > 0)
const sum = (of: (report: ScheduleReport) => number) =>
  reports.reduce((total, report) => total + of(report), 0)
const errors: Record<string, number> = {}
for (const report of reports) {
  for (const [error, count] of Object.entries(report.errors)) errors[error] = (errors[error] ?? 0) + count
}
const told = reports
  .map(({ toldAfterMs }) => toldAfterMs)
  .filter((ms) => !Number.isNaN(ms))
  .sort((a, b) => a - b)
const at = (share: number) =>
  Math.round(told[Math.min(told.length - 1, Math.floor(share * told.length))] ?? NaN)

console.log(
  `\nsteps: ${stepNames.map((name) => `${name} ${sum(({ steps }) => steps.filter((step) => step === name).length)}`).join(', ')}`,
)
console.log(`all told after the last fault: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`)
console.log(`calls: ${sum(({ calls }) => calls)}; errors:`)
for (const [error, count] of Object.entries(errors).sort(([, a], [, b]) => b - a))
  console.log(`  ${count} x ${error}`)
console.log(
  `clients that could not rule out a gap: ${sum(({ doubts }) => doubts)}; sessions opened anew: ${sum(({ openedAnew }) => openedAnew)}`,
)
console.log(
  `left in Redis: at most ${Math.max(...reports.map(({ redisKeys }) => redisKeys))} keys, ${Math.max(...reports.map(({ redisBytes }) => redisBytes))} bytes`,
)
console.log(`schedules: ${reports.length - failed.length} of ${reports.length} ok`)
if (failed.length > 0) console.log(`failed seeds: ${failed.map(({ seed }) => seed).join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)
