import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os'
import type { McpServer } from '@tidings/server'
import { everySecond } from './every-second.ts'

/**
 * `system://cpu`, `system://memory` and `system://load`: this machine, sampled every second. One is announced
 * when its value is another than a second ago.
 */
export function system(server: McpServer, signal: AbortSignal): void {
  const samples = [
    { name: 'cpu', title: 'CPU', description: 'How busy the processors are', sample: cpuSampler() },
    { name: 'memory', title: 'Memory', description: 'How much memory is in use', sample: sampleMemory },
    { name: 'load', title: 'Load', description: 'Load averages of 1, 5 and 15 minutes', sample: sampleLoad },
  ]
  for (const { name, title, description, sample } of samples) {
    let value = JSON.stringify(sample())
    const resource = server.resource(
      `system://${name}`,
      { name, title, description, mimeType: 'application/json' },
      () => value,
    )
    everySecond(() => {
      const before = value
      value = JSON.stringify(sample())
      if (value !== before) resource.changed()
    }, signal)
  }
}

/** Samples how much of the time since the sample before the processors were busy. */
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
