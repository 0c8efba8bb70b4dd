import { readFile } from 'node:fs/promises'

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

/** The functions that took most time themselves, each with its share of all samples that were not idle. */
export async function topFunctions(file: string, count: number): Promise<string[]> {
  const { nodes, samples, timeDeltas } = JSON.parse(await readFile(file, 'utf8')) as CpuProfile
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${shortened(url)}${lineNumber >= 0 ? `:${lineNumber + 1}` : ''}`.trim(),
    ]),
  )
  const times = new Map<string, number>()
  let busy = 0
  samples.forEach((id, index) => {
    const name = names.get(id)!
    if (name.startsWith('(idle)')) return
    const time = timeDeltas[index]!
    busy += time
    times.set(name, (times.get(name) ?? 0) + time)
  })
  return [...times]
    .sort(([, one], [, other]) => other - one)
    .slice(0, count)
    .map(([name, time]) => `${((time / busy) * 100).toFixed(1).padStart(5)} %  ${name}`)
}

/** From the package on. */
const shortened = (url: string) =>
  url.replace(/^.*\/node_modules\//, '').replace(/^.*\/(?=(packages|bench)\/)/, '')
