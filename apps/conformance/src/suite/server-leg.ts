import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runSuite } from './cli.ts'
import { type Outcome, readChecks } from './outcome.ts'

const scenarioMs = 20_000
const legMs = 60_000

/** What the suite is to do with a server. */
export interface ServerLeg {
  /** The server's URL. */
  url: string
  revision: string
  scenarios: readonly string[]
  /** Where the suite's results go. */
  folder: string
}

/** Runs server scenarios: by one process of the suite, which is much faster than one for each. */
export async function runServerLeg({ url, revision, scenarios, folder }: ServerLeg): Promise<Outcome[]> {
  const which = scenarios.length === 1 ? ['--scenario', scenarios[0]!] : ['--suite', 'all']
  const args = ['server', '--url', url, ...which]
  args.push('--spec-version', revision, '--timeout', String(scenarioMs), '-o', folder)
  const { output, timedOut } = await runSuite(args, legMs)
  const results = existsSync(folder) ? readdirSync(folder) : []
  return scenarios.map((scenario) => {
    // The suite's folder for a scenario has the time at its end.
    const result = results.find((name) => name.startsWith(`server-${scenario}-2`))
    const checks = result === undefined ? undefined : readChecks(join(folder, result))
    if (checks) return { scenario, checks, problems: [] }
    const [, reason = ''] = new RegExp(`Failed to run scenario ${scenario}: (.*)`).exec(output) ?? []
    const problem = timedOut ? `no result when ${legMs / 1000} s were over` : `no result. ${reason}`
    return { scenario, checks: [], problems: [problem] }
  })
}
