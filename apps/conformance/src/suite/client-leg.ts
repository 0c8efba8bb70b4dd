import { join } from 'node:path'
import { runSuite } from './cli.ts'
import { type Outcome, readChecks } from './outcome.ts'

const scenarioMs = 20_000

/** What the suite is to do with a client. */
export interface ClientLeg {
  /** The command that starts the client. The suite appends its server's URL. */
  command: string
  revision: string
  scenarios: readonly string[]
  /** Where the suite's results go. */
  folder: string
}

/** Runs client scenarios, two at a time. */
export async function runClientLeg({ scenarios, ...leg }: ClientLeg): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  // It measures how long the client waits before it reconnects: nothing else may keep the machine busy.
  const timed = scenarios.filter((scenario) => scenario === 'sse-retry')
  const rest = scenarios.filter((scenario) => scenario !== 'sse-retry')
  const next = async (): Promise<void> => {
    for (let scenario = rest.shift(); scenario !== undefined; scenario = rest.shift()) {
      outcomes.push(await runScenario(scenario, leg))
    }
  }
  await Promise.all([next(), next()])
  for (const scenario of timed) outcomes.push(await runScenario(scenario, leg))
  return outcomes
}

type Leg = Omit<ClientLeg, 'scenarios'>

async function runScenario(scenario: string, { command, revision, folder }: Leg): Promise<Outcome> {
  const results = join(folder, scenario)
  // The shell that the suite starts becomes the client: the suite's time limit ends just that process.
  const args = ['client', '--command', `exec ${command}`, '--scenario', scenario]
  args.push('--spec-version', revision, '--timeout', String(scenarioMs), '-o', results)
  const { output, timedOut } = await runSuite(args, scenarioMs + 10_000)
  const checks = readChecks(results)
  const problems: string[] = []
  if (timedOut || /Client timed out/.test(output)) problems.push('the client did not end in time')
  const [, status] = /Client exited with code (-?\d+)/.exec(output) ?? []
  if (status) problems.push(`the client exited with status ${status}: ${stderrOf(output)}`)
  if (!checks) problems.push(`no result. ${output.trim().split('\n').at(-1)}`)
  return { scenario, checks: checks ?? [], problems }
}

/** What the client said, of all that the suite printed. */
function stderrOf(output: string): string {
  const [, stderr = ''] = /\nStderr:\n([^]*?)\n\n/.exec(output) ?? []
  return stderr.replace(/\s+/g, ' ').slice(0, 400)
}
