import { readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import { redisVersion } from '@tidings/testkit/redis-server'
import type { Outcome } from './measure.ts'
import { peers, roundsOf, titles } from './peers.ts'
import { loadOf, nodesTableOf, tableOf } from './report.ts'

/** Where the section of many nodes begins. It is the last one, and has a measurement of its own. */
const nodesHeading = '\n## Many nodes\n'

const file = fileURLToPath(new URL('../RESULTS.md', import.meta.url))

/** Writes RESULTS.md: the machine, the versions, and the table. The section of many nodes stays as it is. */
export async function writeResults(outcomes: Outcome[], rounds: number): Promise<void> {
  const [, nodes] = await parts()
  const lines = [
    '# Results',
    '',
    '`pnpm bench` writes this file. [README.md](README.md) explains the works and the figures.',
    '',
    ...machine(),
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
  await writeFile(file, lines.join('\n') + nodes)
}

/** Writes the section of many nodes in RESULTS.md. */
export async function writeNodes(outcomes: Outcome[], rounds: number): Promise<void> {
  const [others] = await parts()
  const lines = [
    ...machine(),
    `- ${redisVersion()}`,
    `- ${new Date().toISOString().slice(0, 10)}, ${rounds} rounds`,
    '',
    nodesTableOf(outcomes),
    '',
  ]
  await writeFile(file, `${others}${nodesHeading}\n${lines.join('\n')}`)
}

/** What stands before the section of many nodes, and the section. */
async function parts(): Promise<[others: string, nodes: string]> {
  const text = await readFile(file, 'utf8')
  const at = text.indexOf(nodesHeading)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)]
}

function machine(): string[] {
  const processors = cpus()
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return [
    `- ${processors[0]?.model.trim()}, ${processors.length} cores, ${gibibytes} GiB`,
    `- Node ${process.versions.node}, ${type()} ${release()}`,
  ]
}

/** Of the peers, as they are pinned. */
async function versions(): Promise<string> {
  const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> }
  const others = Object.entries(dependencies).filter(([, version]) => !version.startsWith('workspace:'))
  return others.map(([name, version]) => `${name} ${version}`).join(', ')
}
