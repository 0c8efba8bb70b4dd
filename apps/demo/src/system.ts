import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os'
import type { McpServer } from '@tidings/server'
import { everySecond } from './every-second.ts'
import type { SharedState } from './shared-state.ts'

/**
 * `system://cpu`, `system://memory` and `system://load`: this machine, sampled every second. Each is announced
 * when its value has changed.
 */
export function system(
  server: McpServer,
  { state, ...ticking }: { state: SharedState; signal: AbortSignal; onError: (error: unknown) => void },
): void {
  const samples = [
    {
      name: 'cpu',
      title: 'CPU',
      description: 'Processor time in use over the last second, in percent',
      sample: cpuSampler(),
    },
    {
      name: 'memory',
      title: 'Memory',
      description: 'Memory in use, in percent and bytes',
      sample: sampleMemory,
    },
    {
      name: 'load',
      title: 'Load',
      description: 'Load averages over 1, 5 and 15 minutes',
      sample: sampleLoad,
    },
  ]
  for (const { name, title, description, sample } of samples) {
    const uri = `system://${name}`
    const first = JSON.stringify(sample())
    const resource = server.resource(
      uri,
      { name, title, description, mimeType: 'application/json' },
      async () => (await state.get(uri)) ?? first,
    )
    everySecond(async (now) => {
      const value = JSON.stringify(sample())
      // One node samples for all.
      if (!(await state.isFirst(`${uri} ${Math.floor(now.getTime() / 1000)}`))) return
      const before = (await state.get(uri)) ?? first
      await state.set(uri, value)
      if (value !== before) resource.changed()
    }, ticking)
  }
}

/** Makes a function that samples the share of processor time in use since the sample before. */
function cpuSampler() {
  let before = cpuTimes()
  return () => {
    const now = cpuTimes()
    const total = now.total - before.total
    const busy = total - (now.idle - before.idle)
    before = now
    return { busyPercent: percent(busy, total), cores: availableParallelism() }
  }
}

function cpuTimes() {
  const times = cpus().map((cpu) => cpu.times)
  return {
    idle: times.reduce((sum, time) => sum + time.idle, 0),
    total: times.reduce((sum, time) => sum + time.idle + time.user + time.nice + time.sys + time.irq, 0),
  }
}

function sampleMemory() {
  const totalBytes = totalmem()
  const freeBytes = freemem()
  return { usedPercent: percent(totalBytes - freeBytes, totalBytes), freeBytes, totalBytes }
}

function sampleLoad() {
  const [one = 0, five = 0, fifteen = 0] = loadavg().map((average) => Math.round(average * 100) / 100)
  return { '1 min': one, '5 min': five, '15 min': fifteen }
}

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 1000) / 10 : 0
}
