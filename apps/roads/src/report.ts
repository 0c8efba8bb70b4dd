import { sideOf } from './road.ts'
import type { Verdict } from './verdict.ts'

/** A road in full: its spine, and all files that ran. */
export function describe({ transport, road, files, own, spine, goal, faults }: Verdict): string {
  const rest = [...files.keys()].filter((file) => !spine.includes(file))
  return [
    `${road}, ${transport}: ${own.files} files, ${own.functions} functions of ${sideOf[road]}`,
    ...(goal === undefined
      ? []
      : [`  spine ${spine.length}, goal ${goal}: ${spine.map(short).join(' -> ')}`]),
    `  ${goal === undefined ? 'files' : 'beside'}: ${rest.map((file) => `${short(file)} (${files.get(file)!.length})`).join(', ')}`,
    ...faults.map((fault) => `  FAULT ${fault}`),
  ].join('\n')
}

/** All roads, one line each. */
export function table(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ transport, road, own, files, spine, goal }) => {
    const functions = [...files.values()].reduce((sum, names) => sum + names.length, 0)
    const measured = goal === undefined ? ['-', '-'] : [`${spine.length}`, `${goal}`]
    return [
      `${road}, ${transport}`,
      `${own.files} / ${own.functions}`,
      `${files.size} / ${functions}`,
      ...measured,
    ]
  })
  const all = [['road', 'files / functions', 'with protocol', 'spine', 'goal'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const short = (file: string) => file.replace(/^(server|client)\//, '').replace(/\.ts$/, '')
