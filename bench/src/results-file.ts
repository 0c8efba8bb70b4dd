import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './measure.ts'
import { peers, roundsOf, titles } from './peers.ts'
import { loadOf, tableOf } from './report.ts'

const file = fileURLToPath(new URL('../RESULTS.md', import.meta.url))

/** Writes RESULTS.md: the machine, the versions, and the table. */
export async function writeResults(outcomes: Outcome[], rounds: number): Promise<void> {
  const processors = cpus()
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  const lines = [
    '# Results',
    '',
    '`pnpm bench` writes this file. [README.md](README.md) explains the works and the figures.',
    '',
    `- ${processors[0]?.model.trim()}, ${processors.length} cores, ${gibibytes} GiB`,
    `- Node ${process.versions.node}, ${type()} ${release()}`,
    `- ${await versions()}`,
    `- ${new Date().toISOString().slice(0, 10)}, ${rounds} rounds, ${roundsOf('fastmcp', rounds)} of them with the other peers`,
    '',
    `The columns ${peers
      .slice(1)
      .map((peer) => titles[peer])
      .join(', ')} are ratios to the floor, unless there is a unit.`,
    '',
    tableOf(outcomes, peers),
    '',
    '## Load',
    '',
    'Median of the cores used: first the measured process (server or client), then the other side. Where the first is near 1',
    'and the other is lower, the measured process was the limit.',
    '',
    loadOf(outcomes, peers),
    '',
  ]
  await writeFile(file, lines.join('\n'))
}

/** Of the peers, as they are pinned. */
async function versions(): Promise<string> {
  const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> }
  const others = Object.entries(dependencies).filter(([, version]) => !version.startsWith('workspace:'))
  return others.map(([name, version]) => `${name} ${version}`).join(', ')
}
