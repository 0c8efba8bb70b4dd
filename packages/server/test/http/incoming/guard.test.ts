import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { networkInterfaces } from 'node:os'
import { start } from '../../harness/start.ts'

/** A request with whatever Host one likes, which fetch does not allow. */
async function get(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  const request = httpRequest(url, { headers, method, agent: false })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let body = ''
  if (!response.headers['content-type']?.includes('event-stream'))
    for await (const chunk of response) body += String(chunk)
  response.destroy()
  return { status: response.statusCode!, headers: response.headers, body }
}

const routes = [
  ['GET', '/sse'],
  ['POST', '/messages?sessionId=x'],
  ['DELETE', '/messages?sessionId=x'],
  ['POST', '/mcp?client_id=x'],
  ['DELETE', '/mcp?client_id=x'],
  ['GET', '/health'],
  ['OPTIONS', '/sse'],
] as const

const preflight = { 'Access-Control-Request-Method': 'POST' }

test('over loopback only loopback names are served, on every route', async () => {
  const { url, port } = await start()
  for (const [method, path] of routes) {
    for (const host of [
      'evil.example.com',
      `evil.example.com:${port}`,
      '192.168.1.1',
      'localhost.evil.com',
      '127.evil.com',
      '0.0.0.0',
      '[::ffff:127.0.0.1]',
    ]) {
      // A health check may come by any address.
      const isProbe = path === '/health' && !/[a-z]\./.test(host)
      const { status } = await get(url + path, { Host: host }, method)
      expect([host, status]).toEqual([host, isProbe ? 200 : 403])
    }
    for (const host of [
      'a b',
      '[::1',
      'localhost,evil.com',
      'localhost:99999',
      'u@localhost',
      'localhost/x',
    ]) {
      expect([host, (await get(url + path, { Host: host }, method)).status]).toEqual([host, 400])
    }
    for (const host of [
      'localhost',
      `localhost:${port}`,
      '127.0.0.1',
      `[::1]:${port}`,
      'LOCALHOST',
      'localhost.',
    ]) {
      expect(await get(url + path, { Host: host }, method)).not.toMatchObject({ status: 403 })
    }
  }
})

test('a page of another origin is refused, on every route; a program, which has none, is not', async () => {
  const { url } = await start()
  const foreign = [
    'https://evil.example.com',
    'null',
    'http://localhost.evil.com',
    'http://localhost, http://evil.com',
    'x',
  ]
  for (const [method, path] of routes) {
    for (const origin of foreign) {
      const { status, headers } = await get(url + path, { Origin: origin }, method)
      expect(status).toBe(403)
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
    for (const origin of ['http://localhost:5173', 'http://127.0.0.1', 'https://[::1]:8080']) {
      const { status, headers } = await get(url + path, { Origin: origin, ...preflight }, method)
      expect(status).not.toBe(403)
      expect(headers['access-control-allow-origin']).toBe(origin)
    }
  }
  const { body } = await get(`${url}/sse`, { Origin: 'https://evil.example.com' })
  expect(JSON.parse(body).error.message).toBe(
    'The Origin https://evil.example.com is not allowed here: name it in allowedOrigins',
  )
})

test('named hosts and origins are served, and no others', async () => {
  const { url } = await start(() => {}, {
    allowedHosts: ['mcp.example.com'],
    allowedOrigins: ['https://app.example.com'],
  })
  const status = async (headers: Record<string, string>) => (await get(`${url}/health`, headers)).status
  expect(await status({ Host: 'mcp.example.com' })).toBe(200)
  expect(await status({ Host: 'MCP.example.com:8080', Origin: 'https://app.example.com' })).toBe(200)
  expect(await status({ Host: 'mcp.example.com', Origin: 'https://mcp.example.com' })).toBe(200)
  expect(await status({ Host: 'mcp.example.com', Origin: 'http://app.example.com' })).toBe(403)
})

test('an origin that could never match is a mistake that is told at once', async () => {
  await expect(start(() => {}, { allowedOrigins: ['https://app.example.com/'] })).rejects.toThrow(
    'allowedOrigins: an origin is a scheme, a host, and a port',
  )
})

test('a server on every interface is reached by its address without more ado, by a name only if it is allowed', async () => {
  const { port } = await start(() => {}, { host: '0.0.0.0' })
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  // A machine with no network but loopback has loopback's rules only.
  const host = outside ?? '127.0.0.1'
  const url = `http://${host}:${port}/health`
  expect((await get(url, { Host: `${host}:${port}` })).status).toBe(200)
  expect((await get(url, { Host: 'rebound.example.com' })).status).toBe(403)
})

test('a preflight is answered with what MCP needs', async () => {
  const { url } = await start()
  const { status, headers } = await get(
    `${url}/mcp?client_id=x`,
    {
      Origin: 'http://localhost:5173',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers':
        'content-type, mcp-session-id, mcp-protocol-version, last-event-id, authorization',
    },
    'OPTIONS',
  )
  expect(status).toBe(204)
  expect(headers['access-control-allow-origin']).toBe('http://localhost:5173')
  expect(headers['access-control-allow-methods']).toBe('GET,POST,DELETE')
  expect(headers['access-control-allow-headers']).toBe(
    'content-type, mcp-session-id, mcp-protocol-version, last-event-id, authorization',
  )
})

test.each(['/sse', '/messages', '/mcp', '/mcp/', '/health'])(
  'a preflight for %s lets in the pages that are named, whatever they are, and no others',
  async (path) => {
    const pages = ['https://app.example.com', 'chrome-extension://abc', 'tauri://localhost', 'null']
    const { url } = await start(() => {}, { allowedOrigins: pages })
    const ask = (Origin: string, others: Record<string, string> = {}) =>
      get(url + path, { Origin, ...preflight, 'Sec-Fetch-Site': 'cross-site', ...others }, 'OPTIONS')
    for (const page of [...pages, 'http://localhost:5173']) {
      const { status, headers } = await ask(page)
      expect([page, status]).toEqual([page, 204])
      expect(headers['access-control-allow-origin']).toBe(page)
      expect(headers.vary).toMatch('Origin')
      expect(headers['access-control-allow-private-network']).toBeUndefined()
      // A public page that uses a server of the local network.
      const local = await ask(page, { 'Access-Control-Request-Private-Network': 'true' })
      expect(local.headers['access-control-allow-private-network']).toBe('true')
    }
    for (const page of ['https://app.example.com.evil.com', 'chrome-extension://abcd', 'app://localhost']) {
      const { status, headers } = await ask(page, { 'Access-Control-Request-Private-Network': 'true' })
      expect([page, status]).toEqual([page, 403])
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers['access-control-allow-private-network']).toBeUndefined()
    }
    // An allowed page does not make a foreign host ours.
    const rebound = await ask('https://app.example.com', { Host: 'evil.example.com' })
    expect([rebound.status, rebound.headers['access-control-allow-origin']]).toEqual([403, undefined])
  },
)

test('errors and streams carry the CORS headers, too', async () => {
  const { url } = await start()
  const origin = { Origin: 'http://localhost:5173' }
  for (const [path, status] of [
    ['/messages?sessionId=x', 415],
    ['/mcp?client_id=x', 415],
  ] as const) {
    const response = await get(url + path, origin, 'POST')
    expect(response.status).toBe(status)
    expect(response.headers['access-control-allow-origin']).toBe('http://localhost:5173')
    expect(response.headers.vary).toMatch('Origin')
  }
  const accept = { Accept: 'text/event-stream' }
  const stream = await get(`${url}/sse`, { ...origin, ...accept })
  expect(stream.headers['access-control-allow-origin']).toBe('http://localhost:5173')
  expect(stream.headers['access-control-expose-headers']).toMatch('Mcp-Session-Id')
  const failed = await start(() => {}, {
    principal: (ctx: any) => ctx.throw(401, 'who are you?', { headers: { 'WWW-Authenticate': 'Bearer' } }),
  })
  const unauthorized = await get(`${failed.url}/sse`, { ...origin, ...accept })
  expect(unauthorized.status).toBe(401)
  expect(unauthorized.headers['access-control-allow-origin']).toBe('http://localhost:5173')
  expect(unauthorized.headers['www-authenticate']).toBe('Bearer')
})

test('a method that a path does not have is answered 405 with those it has', async () => {
  const { url } = await start()
  const { status, headers } = await get(`${url}/messages`, {}, 'PUT')
  expect(status).toBe(405)
  expect(headers.allow).toBe('POST, DELETE')
})

test('paths that are the same have the methods of all that is there, and of two handlers the first', async () => {
  const { url } = await start(undefined, { paths: { sse: '/', messages: '/', mcp: '/' } })
  const { status, headers } = await get(`${url}/`, {}, 'TRACE')
  expect(status).toBe(405)
  expect(headers.allow!.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD', 'POST'])
  const options = await get(`${url}/`, {}, 'OPTIONS')
  expect([options.status, options.headers.allow]).toEqual([200, headers.allow])
  const stream = await fetch(`${url}/`, { headers: { Accept: 'text/event-stream' } })
  const { value } = await stream.body!.getReader().read()
  expect(Buffer.from(value!).toString()).toContain('event: endpoint')
})
