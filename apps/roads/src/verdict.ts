import type { Ran } from './coverage.ts'
import type { Roads } from './measure.ts'
import { type RoadName, sideOf, type Transport } from './road.ts'
import { goalOf, type Spines } from './spine.ts'

/** What a road is found to be. */
export interface Verdict {
  transport: Transport
  road: RoadName
  /** The files of the side and of the protocol package that ran, each with its functions. */
  files: Map<string, string[]>
  /** Files and functions of the side alone, without the protocol package. */
  own: { files: number; functions: number }
  spine: readonly string[]
  goal: number | undefined
  /** What is wrong: in plain words, one sentence each. */
  faults: string[]
}

/** Holds what ran against what the spine says. */
export function judge(transport: Transport, roads: Roads, { spines, beside }: Spines): Verdict[] {
  return (Object.keys(sideOf) as RoadName[]).map((road) => {
    const files = byFile(roads[road])
    const names = [...files.keys()]
    const ownNames = names.filter((file) => file.startsWith(`${sideOf[road]}/`))
    const spine = spines[transport][road] ?? []
    const goal = goalOf(transport, road)
    const isBeside = (file: string) => file in beside || `${file.split('/')[0]}/` in beside
    const faults: string[] = []
    if (goal !== undefined) {
      if (spine.length > goal) faults.push(`the spine has ${spine.length} files, the goal is ${goal}`)
      for (const file of spine)
        if (!files.has(file)) faults.push(`${file} is listed as spine and did not run`)
      for (const file of names) {
        if (!spine.includes(file) && !isBeside(file)) faults.push(`${file} ran and is in no list of spine.ts`)
      }
    }
    return {
      transport,
      road,
      files,
      own: {
        files: ownNames.length,
        functions: ownNames.reduce((sum, file) => sum + files.get(file)!.length, 0),
      },
      spine,
      goal,
      faults,
    }
  })
}

/** The entries of the list of files beside the roads that are beside no road. */
export function stale({ beside }: Spines, verdicts: readonly Verdict[]): string[] {
  const judged = verdicts.filter(({ goal }) => goal !== undefined)
  const isBeside = (entry: string) =>
    judged.some(({ files, spine }) =>
      [...files.keys()].some(
        (file) => !spine.includes(file) && (file === entry || `${file.split('/')[0]}/` === entry),
      ),
    )
  return Object.keys(beside)
    .filter((entry) => !isBeside(entry))
    .map((entry) => `${entry} is listed beside the roads and did not run`)
}

function byFile(ran: readonly Ran[]): Map<string, string[]> {
  const files = new Map<string, string[]>()
  for (const one of ran.toSorted()) {
    const [, file = '', name = ''] = /^(.*?):\d+ (.*)$/.exec(one) ?? []
    files.set(file, [...(files.get(file) ?? []), name])
  }
  return files
}
