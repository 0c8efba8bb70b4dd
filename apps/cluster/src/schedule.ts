import { setTimeout as wait } from 'node:timers/promises'
import { leftInRedis } from './left-in-redis.ts'
import { randomFrom } from './random.ts'
import { one, type Random, type StepName, stepNames, steps } from './steps.ts'
import { topics, World } from './world.ts'

/** What a schedule was, and what was found. */
export interface ScheduleReport {
  readonly seed: number
  readonly steps: readonly StepName[]
  /** What was wrong: nothing, if all is well. */
  readonly faults: readonly string[]
  /** The time from the end of the last step until all clients knew of all changes. */
  readonly toldAfterMs: number
  /** How often a client said that it may have missed something. */
  readonly doubts: number
  /** The calls, and how many failed with each error. */
  readonly calls: number
  readonly errors: Readonly<Record<string, number>>
  readonly openedAnew: number
  readonly redisKeys: number
  readonly redisBytes: number
  /** What has happened. */
  readonly history: string
}

const stepsPerSchedule = 5

/**
 * Runs the schedule of a seed: steps one after the other, with changes and calls meanwhile. Then all is well, and what must
 * hold is looked at.
 *
 * @param slackMs the time beyond the lease within which all must be well again.
 */
export async function runSchedule(seed: number, { slackMs }: { slackMs: number }): Promise<ScheduleReport> {
  const random = randomFrom(seed)
  const requestsPerConnection = random() < 0.3 ? 1 : 0
  const world = await World.begin({ persistence: 'aof', clients: 4, requestsPerConnection })
  const taken: StepName[] = []
  const faults: string[] = []
  const check = async (what: string, looked: Promise<void>) => {
    await looked.catch((err: Error) => faults.push(`${what}: ${err.message}`))
  }
  let toldAfterMs = NaN
  let outcome: Omit<ScheduleReport, 'seed' | 'steps' | 'faults' | 'toldAfterMs' | 'history'> | undefined
  try {
    for (let i = 0; i < stepsPerSchedule; i++) {
      const name = one(stepNames, random)
      taken.push(name)
      world.history.add('step', name)
      await Promise.all([steps[name].run(world, random), load(world, random)])
    }
    const deadlineMs = world.leaseMs + slackMs
    const healedAt = performance.now()
    await check('at the end', world.allTold(deadlineMs))
    toldAfterMs = performance.now() - healedAt
    const calls = await world.endedCalls()
    await check('nodes', world.allConnected(deadlineMs))
    await check('when all is well', world.eachIsToldOnce(deadlineMs))
    const losses = taken.filter((name) => 'losesData' in steps[name]).length
    // What Redis has lost, and a home that is dead or cannot be reached as well, is lost.
    if (losses > 0) world.abandoned += world.openedAnew
    await check('homes', world.oneHomeEach(deadlineMs))
    const left = await leftInRedis(world)
    const sessions = world.subscribers.filter(({ hasSession }) => hasSession).length
    if (left.sessions < sessions || left.sessions > sessions + world.abandoned)
      faults.push(`${left.sessions} sessions are left in Redis of ${sessions}`)
    if (left.mail > world.members.length) faults.push(`${left.mail} streams of mail are left in Redis`)
    if (losses === 0 && world.openedAnew > world.abandoned)
      faults.push(`${world.openedAnew} sessions were opened anew`)
    // Each node hears of a loss once, and once of a restart. One soon after a loss is taken for another.
    const mostResyncs = losses + taken.filter((name) => name === 'restartRedis').length
    const mostAnew = losses === 0 ? 0 : mostResyncs
    if (world.log.begunAnew > mostAnew)
      faults.push(`the order of changes began anew ${world.log.begunAnew} times`)
    for (const { node } of world.members) {
      if (node.resyncs > mostResyncs) faults.push(`a node was told anew ${node.resyncs} times`)
    }
    outcome = {
      doubts: world.subscribers.reduce((sum, { doubts }) => sum + doubts, 0),
      calls: calls.length,
      errors: errorsOf(calls),
      openedAnew: world.openedAnew,
      redisKeys: left.keys,
      redisBytes: left.bytes,
    }
    for (const subscriber of world.subscribers) subscriber.checkListeners()
  } finally {
    await world.end()
  }
  if (world.stderr !== '') faults.push(`stderr: ${world.stderr.slice(0, 500)}`)
  return {
    seed,
    steps: taken,
    faults: [...faults, ...world.faults],
    toldAfterMs,
    ...outcome!,
    history: String(world.history),
  }
}

/** Changes and calls at any node, for as long as a short fault takes. */
async function load(world: World, random: Random): Promise<void> {
  for (let i = 0; i < 4; i++) {
    world.changed(one(world.members, random), one(topics, random))
    world.call(one(world.subscribers, random), random() < 0.5 ? 'echo' : 'slow')
    await wait(60 * random())
  }
}

function errorsOf(calls: readonly { error?: Error; mayHaveRun: boolean }[]): Record<string, number> {
  const errors: Record<string, number> = {}
  for (const { error, mayHaveRun } of calls) {
    if (error === undefined) continue
    const kind = `${error.name}${mayHaveRun ? ', may have run' : ''}: ${error.message.replace(/[0-9]{5}|"id":[0-9]+/g, 'N').slice(0, 250)}`
    errors[kind] = (errors[kind] ?? 0) + 1
  }
  return errors
}
