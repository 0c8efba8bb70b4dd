import { Session } from 'node:inspector/promises'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { now } from './clock.ts'

/** What a process has used of its machine between two moments. */
export interface Usage {
  cpuMs: number
  elapsedMs: number
}

let began = { cpu: process.cpuUsage(), atMs: now() }
let profiler: Session | undefined

const resident = () => process.memoryUsage.rss()

/** Resident memory in bytes once garbage is gone. */
async function settledMemory(): Promise<number> {
  for (let times = 0; times < 4; times++) {
    globalThis.gc!()
    await after(50)
  }
  return resident()
}

/** How a process tells what it uses. */
export const usageTasks = {
  /** From now on counts what is used. */
  begin: async ({ profile }: { profile: boolean }): Promise<void> => {
    globalThis.gc!()
    if (profile) {
      profiler = new Session()
      profiler.connect()
      await profiler.post('Profiler.enable')
      await profiler.post('Profiler.start')
    }
    began = { cpu: process.cpuUsage(), atMs: now() }
  },

  /** What was used since. A profile is written to the file. */
  end: async ({ profile }: { profile: string | undefined }): Promise<Usage> => {
    const { user, system } = process.cpuUsage(began.cpu)
    const usage = { cpuMs: (user + system) / 1000, elapsedMs: now() - began.atMs }
    if (profile !== undefined && profiler !== undefined) {
      const { profile: recorded } = await profiler.post('Profiler.stop')
      profiler.disconnect()
      profiler = undefined
      await mkdir(dirname(profile), { recursive: true })
      await writeFile(profile, JSON.stringify(recorded))
    }
    return usage
  },

  /** The CPU time of all threads since the process began, in milliseconds. */
  cpuMs: (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },

  memory: settledMemory,
}
