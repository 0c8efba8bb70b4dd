import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One check of the suite, as it writes it down. */
export interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  description?: string
  errorMessage?: string
}

/** What became of one scenario. */
export interface Outcome {
  scenario: string
  checks: readonly Check[]
  /** What went wrong besides the checks, such as a client that exits with an error. */
  problems: readonly string[]
}

/**
 * What keeps a scenario from having passed, a line for each; none when it passed. Stricter than the suite: a warning
 * counts, and so does a scenario in which nothing succeeded, because nothing was tried.
 */
export function faults({ checks, problems }: Outcome): string[] {
  const found = [...problems]
  for (const { id, status, errorMessage, description = '' } of checks) {
    if (status !== 'FAILURE' && status !== 'WARNING') continue
    const message = (errorMessage ?? description).replace(/\s+/g, ' ').slice(0, 400)
    found.push(`${status === 'WARNING' ? 'warning of ' : ''}${id}: ${message}`)
  }
  const tried = checks.some(({ status }) => status === 'SUCCESS')
  return found.length || tried ? found : ['nothing was checked']
}

/** The checks of the scenario, from the folder the suite wrote its results to; `undefined` when it wrote none. */
export function readChecks(folder: string): Check[] | undefined {
  if (!existsSync(folder)) return undefined
  const file = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith('checks.json'),
  )
  return file === undefined ? undefined : (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Check[])
}
