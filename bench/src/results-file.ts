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
    'Written by `pnpm bench`. [What is measured, and how to read it](README.md).',
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
    '## Who was busy',
    '',
    'Cores used, in the median: by the server and by the load; for the client, by it and by the server. Where the first is',
    'near 1 and the other below, what is measured was the bound.',
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
