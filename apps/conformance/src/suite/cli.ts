import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const program = require.resolve('@modelcontextprotocol/conformance/dist/index.js')
const shim = new URL('./glob-sync.js', import.meta.url).href

/** Which version of the official suite is installed. */
export const suiteVersion = (
  JSON.parse(readFileSync(require.resolve('@modelcontextprotocol/conformance/package.json'), 'utf8')) as {
    version: string
  }
).version

/** What a run of the suite's command left behind. */
export interface SuiteRun {
  /** All it printed, on both streams, without colours. */
  output: string
  /** Whether it was ended because it took longer than it may. */
  timedOut: boolean
}

const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach(killGroup))

/**
 * Runs the suite's command. It and all it started are ended when it exits, and after `timeoutMs`: the suite would wait
 * for ever for a client that does not end.
 */
export async function runSuite(args: readonly string[], timeoutMs: number): Promise<SuiteRun> {
  const child = spawn(process.execPath, ['--import', shim, program, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let output = ''
  let timedOut = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const timer = setTimeout(() => {
    timedOut = true
    killGroup(child)
  }, timeoutMs)
  child.once('exit', () => killGroup(child))
  try {
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
  } finally {
    clearTimeout(timer)
    running.delete(child)
  }
  // eslint-disable-next-line no-control-regex -- the escape character begins a colour
  return { output: output.replace(/\x1b\[[0-9;]*m/g, ''), timedOut }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
