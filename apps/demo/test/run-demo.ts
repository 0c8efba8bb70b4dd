import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** A program of the demo that runs, and what it has printed. */
export interface Running {
  process: ChildProcessByStdio<null, Readable, Readable>
  /** The first printed line that matches, waited for if there is none yet. Rejects when the program ends before. */
  line(pattern: RegExp): Promise<string>
  /** Sends a signal and waits for the end: its exit code, null when the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Runs a built program of the demo. */
export function run(
  program: 'server.js' | 'watch.js' | 'cluster.js',
  args: string[],
  env: NodeJS.ProcessEnv,
): Running {
  const path = fileURLToPath(new URL(`../dist/${program}`, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], {
    // Jest may have set FORCE_COLOR for its workers.
    env: { ...process.env, FORCE_COLOR: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  let errors = ''
  const waiting = new Set<() => void>()
  const look = () => {
    for (const check of waiting) check()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  child.once('close', look)

  return {
    process: child,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = printed
            .split('\n')
            .slice(0, -1)
            .find((line) => pattern.test(line))
          if (found === undefined && child.exitCode === null && child.signalCode === null) return
          waiting.delete(check)
          if (found !== undefined) resolve(found)
          else reject(new Error(`${program} ended without a line like ${pattern}.\n${printed}\n${errors}`))
        }
        waiting.add(check)
        check()
      }),
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal)
        await once(child, 'close')
      }
      return child.exitCode
    },
  }
}

/** A running server of the demo, on a free port, with an empty folder of notes. */
export interface Demo extends Running {
  url: string
  notes: string
  [Symbol.asyncDispose](): Promise<void>
}

/** Runs the built server, or the program that runs several of them. */
export async function runDemo(program: 'server.js' | 'cluster.js' = 'server.js'): Promise<Demo> {
  const notes = await mkdtemp(join(tmpdir(), 'tidings-notes-'))
  const running = run(program, [], { PORT: '0', HOST: '127.0.0.1', NOTES_DIR: notes, LOG_LEVEL: 'warn' })
  const ready = await running.line(/^Tidings demo on .*http:/)
  return {
    ...running,
    url: ready.replace(/^.*(?=http:)/, ''),
    notes,
    async [Symbol.asyncDispose]() {
      await running.end()
      await rm(notes, { recursive: true })
    },
  }
}
