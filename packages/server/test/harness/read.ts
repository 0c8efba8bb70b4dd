import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { defer, forget } from '@tidings/testkit/disposers'
import { SseReader } from '@tidings/testkit/sse-reader'

/** Opens a stream with a GET; cut after the test. */
export async function read(url: string, headers: Record<string, string> = {}): Promise<SseReader> {
  const request = httpRequest(url, { headers: { Accept: 'text/event-stream', ...headers }, agent: false })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`GET ${url} was answered ${response.statusCode}`)
  return readerOf(response)
}

/** Opens a stream with a POST; cut after the test. */
export async function readAnswer(
  url: string,
  message: object,
  headers: Record<string, string>,
): Promise<SseReader> {
  const request = httpRequest(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    agent: false,
  })
  request.end(JSON.stringify(message))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (response.statusCode === 200) return readerOf(response)
  let body = ''
  for await (const chunk of response) body += String(chunk)
  throw new Error(`POST ${url} was answered ${response.statusCode}: ${body}`)
}

function readerOf(response: IncomingMessage): SseReader {
  const reader = defer(new SseReader(response), (reader) => reader.cut())
  response.once('close', () => forget(reader))
  return reader
}
