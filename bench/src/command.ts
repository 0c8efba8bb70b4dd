import { parseArgs } from 'node:util'
import { type Peer, peers } from './peers.ts'
import type { Case } from './work.ts'
import { cases } from './works/index.ts'

/** What the command line asks for. */
export interface Command {
  cases: Case[]
  peers: readonly Peer[]
  rounds: number
  scale: number
  profile: boolean
  /** Every work of every peer, at its full size. */
  isWhole: boolean
  /** Every work of many nodes, at its full size. */
  hasAllNodes: boolean
}

/** @throws {Error} when it asks for what there is not. */
export function parseCommand(args: string[]): Command {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      peers: { type: 'string', default: peers.join(',') },
      scale: { type: 'string', default: '1' },
      profile: { type: 'boolean', default: false },
    },
  })
  const wanted = positionals.flatMap((name) => {
    const found = cases.filter((each) => each.name === name || each.name.startsWith(`${name}/`))
    if (found.length === 0)
      throw new Error(`There is no ${name}; there are:\n${cases.map(({ name }) => name).join('\n')}`)
    return found
  })
  const chosen = values.peers.split(',').map((name) => {
    const peer = peers.find((each) => each === name)
    if (peer === undefined) throw new Error(`There is no peer ${name}; there are ${peers.join(', ')}`)
    return peer
  })
  const asked = positionals.length === 0 ? cases : [...new Set(wanted)]
  const isFull = values.scale === '1' && !values.profile
  return {
    cases: asked,
    peers: chosen,
    rounds: positive('rounds', values.rounds),
    scale: positive('scale', values.scale),
    profile: values.profile,
    isWhole: positionals.length === 0 && chosen.length === peers.length && isFull,
    hasAllNodes:
      isFull && chosen.includes('tidings') && cases.every((each) => !each.isOfNodes || asked.includes(each)),
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`--${name} must be a number above 0, got ${text}`)
}
