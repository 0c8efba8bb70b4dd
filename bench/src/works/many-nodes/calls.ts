import type { Child } from '../../child.ts'
import type { Lab, Measured } from '../../lab.ts'
import type { CallersToOpen } from '../../load/callers.ts'
import { median } from '../../statistics.ts'
import type { TransportName } from '../../wire.ts'
import type { Bar, Case } from '../../work.ts'
import { inTurns } from './in-turns.ts'
import { nodesCase } from './nodes-case.ts'

const transports: TransportName[] = ['http+sse', 'streamable-http']
const inFlight = 64
const seconds = 0.8
const turns = 9

/** Who calls, and the node whose CPU time is measured. */
interface Calls {
  server: Child
  load: Child
}

/** `tools/call` in sessions that are in Redis, beside the same in sessions of one node that has no Redis. */
export const storedCalls: Case[] = transports.map((transport) =>
  callsCase(
    {
      name: `stored-calls/${transport}`,
      title: `tools/call, ${transport}, sessions in Redis`,
      beside: 'sessions in memory',
      bar: { of: 'value', atLeast: 0.95 },
    },
    async (lab) => {
      const [node, alone] = [await lab.startNode(await lab.startRedis()), await lab.startNode()]
      return [await callers(lab, node, transport), await callers(lab, alone, transport)]
    },
  ),
)

/** `tools/call` sent to another node than the session's home, beside the same sent to the home. */
export const relayedCalls: Case[] = transports.map((transport) =>
  callsCase(
    {
      name: `relayed-calls/${transport}`,
      title: `tools/call, ${transport}, at the wrong node`,
      beside: 'at the right node',
      bar: { of: 'value', atLeast: 0.35 },
    },
    async (lab) => {
      const redis = await lab.startRedis()
      const [home, other] = [await lab.startNode(redis), await lab.startNode(redis)]
      return [
        await callers(lab, { server: other.server, port: home.port }, transport, other.port),
        await callers(lab, home, transport),
      ]
    },
  ),
)

interface CallsToCompare {
  name: string
  title: string
  beside: string
  bar: Bar
}

function callsCase(
  { name, title, beside, bar }: CallsToCompare,
  open: (lab: Lab) => Promise<[subject: Calls, beside: Calls]>,
): Case {
  return nodesCase(
    name,
    [
      { key: 'ratio', title: `${title}: requests/s, to ${beside}`, unit: 'x', bar },
      { key: 'cpuRatio', title: `${title}: CPU of the node per request, to ${beside}`, unit: 'x' },
      { key: 'rate', title, unit: 'requests/s' },
      { key: 'besideRate', title: `the same, ${beside}`, unit: 'requests/s' },
    ],
    async (lab) => {
      const [one, other] = await open(lab)
      const cpus: { subject: number[]; beside: number[] } = { subject: [], beside: [] }
      for (const { load } of [one, other]) await load.ask('call', { seconds: lab.seconds(1) })
      const call = ({ load }: Calls) => load.ask<number>('call', { seconds: lab.seconds(seconds) })
      const { subject, beside, ratio } = await inTurns(
        turns,
        async () => {
          const measured = await lab.measure(one.server, one.load, () => call(one))
          cpus.subject.push(cpuPerCall(measured))
          return measured.result
        },
        async () => {
          const measured = await lab.measureBeside(other.server, other.load, () => call(other))
          cpus.beside.push(cpuPerCall(measured))
          return measured.result
        },
      )
      const cpuRatio = median(cpus.subject.map((cpu, turn) => cpu / cpus.beside[turn]!))
      return { ratio, cpuRatio, rate: subject, besideRate: beside }
    },
  )
}

/** In microseconds. */
function cpuPerCall({ result, subject }: Measured<number>): number {
  return (subject.cpuMs * 1000) / ((result * subject.elapsedMs) / 1000)
}

async function callers(
  lab: Lab,
  { server, port }: { server: Child; port: number },
  transport: TransportName,
  callPort = port,
): Promise<Calls> {
  const load = await lab.startLoad()
  await load.ask('openCallers', { port, transport, count: inFlight, callPort } satisfies CallersToOpen)
  return { server, load }
}
