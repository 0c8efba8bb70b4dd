import { jest } from '@jest/globals'
import { Log } from '@tidings/testkit/log'
import type { Logger } from '../src/index.ts'
import { connectRaw } from './harness/raw-client.ts'
import { start } from './harness/start.ts'

const fail = () => {
  throw new Error('hostile')
}

/** A server with a tool that throws, and what its calls are answered. */
async function callFailing(thrown: () => unknown, logger?: Logger): Promise<unknown[]> {
  const { url } = await start(
    (server) =>
      server.tool('fail', {}, () => {
        throw thrown() as Error
      }),
    {},
    { ...(logger && { logger }) },
  )
  const client = await connectRaw(url)
  const answers: unknown[] = []
  for (let i = 0; i < 3; i++) answers.push((await client.request('tools/call', { name: 'fail' })).result)
  return answers
}

const failed = { isError: true, content: [{ type: 'text', text: 'The tool fail failed: internal error' }] }

test('without a logger the first failure goes to stderr, with the way to see the rest', async () => {
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    expect(await callFailing(() => new Error('disk full'))).toEqual(Array(3).fill(failed))
    expect(write).toHaveBeenCalledTimes(1)
    const [text] = write.mock.calls[0]!
    expect(text).toMatch(/^@tidings\/server: tool failed: .*disk full.*logger: console/s)
  } finally {
    write.mockRestore()
  }
})

test('with a logger nothing goes to stderr', async () => {
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
  const logger = new Log()
  try {
    await callFailing(() => 'disk full', logger)
    expect(write).not.toHaveBeenCalled()
    expect(logger.errors).toEqual(Array(3).fill('disk full'))
  } finally {
    write.mockRestore()
  }
})

test('a logger that throws at what a handler has thrown fails no request, and is told without the details', async () => {
  const log = new Log()
  const logger: Logger = {
    ...log,
    // As pino does.
    error: (fields: { err?: Error }, message) => void log.error({ text: fields.err?.message }, message),
  }
  const thrown = () => Object.defineProperty(new Error('x'), 'message', { get: fail })
  expect(await callFailing(thrown, logger)).toEqual(Array(3).fill(failed))
  expect(log.of('error').map(({ message }) => message)).toEqual(
    Array(3).fill('tool failed (the logger failed at the details)'),
  )
})

test('a logger that always throws fails no request', async () => {
  const logger = { debug: fail, info: fail, warn: fail, error: fail }
  expect(await callFailing(() => 'x', logger)).toEqual(Array(3).fill(failed))
})
