import { Child } from './child.ts'
import type { Ran } from './coverage.ts'
import { type RoadName, type Transport } from './road.ts'

/** What ran on each road. */
export type Roads = Record<RoadName, Ran[]>

const warmCalls = 20
const rounds = 5
const patienceMs = 20_000

/** Runs one request and one change on a transport, again and again, and gives what ran each time. */
export async function measure(checkout: string, server: Child, transport: Transport): Promise<Roads> {
  const client = await Child.start('client', checkout)
  try {
    const url = await server.ask<string>('url')
    await client.ask('connect', { transport, url })
    for (let call = 0; call < warmCalls; call++) await client.ask('call')
    const calls = await repeat({ server, client }, { act: () => client.ask('call') })

    await client.ask('watch')
    const change = () => server.ask('change')
    const again = () => client.ask('read')
    for (let round = 0; round < 3; round++) {
      await change()
      await again()
    }
    const changes = await repeat({ server, client }, { act: change, again })
    return { request: calls.server, call: calls.client, change: changes.server, event: changes.client }
  } finally {
    client.stop()
  }
}

type Sides<Of> = Record<'server' | 'client', Of>

/** What runs in every round: a timer that happens to fire in one of them is no part of the road. */
async function repeat(
  sides: Sides<Child>,
  { act, again }: { act: () => Promise<void>; again?: () => Promise<void> },
): Promise<Sides<Ran[]>> {
  let common: Sides<Set<Ran>> | undefined
  for (let round = 0; round < rounds; round++) {
    await settled(sides)
    await Promise.all([sides.server.ask('reset'), sides.client.ask('reset')])
    await act()
    const ran = await settled(sides, true)
    common = {
      server: new Set(ran.server.filter((one) => common?.server.has(one) ?? true)),
      client: new Set(ran.client.filter((one) => common?.client.has(one) ?? true)),
    }
    await again?.()
  }
  return { server: [...common!.server], client: [...common!.client] }
}

/** Waits until nothing more runs on either side; with `mustRun`, until something has run on both. */
async function settled({ server, client }: Sides<Child>, mustRun = false): Promise<Sides<Ran[]>> {
  const deadline = performance.now() + patienceMs
  let last = { server: [] as Ran[], client: [] as Ran[] }
  for (let quiet = 0; quiet < 10;) {
    const now = { server: await server.ask<Ran[]>('look'), client: await client.ask<Ran[]>('look') }
    const isSame = now.server.length === last.server.length && now.client.length === last.client.length
    const hasRun = !mustRun || (now.server.length > 0 && now.client.length > 0)
    quiet = isSame && hasRun ? quiet + 1 : 0
    if (performance.now() > deadline) throw new Error(`Nothing came in ${patienceMs} ms, or no end of it`)
    last = now
  }
  return last
}
