import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { accepts } from '@tidings/testkit/accepts'
import { defer } from '@tidings/testkit/disposers'
import { freePort } from '@tidings/testkit/free-port'
import { until } from '@tidings/testkit/until'

/** The reverse proxies that deploy/ has a file for. */
export type ProxyName = 'nginx' | 'caddy'

/** Where the file of deploy/ is. */
export function deployed(name: string): string {
  return fileURLToPath(new URL(`../../../deploy/${name}`, import.meta.url))
}

/** Puts the proxy's file of deploy/ into a folder, with what is of this machine: ports, and places to write to. */
export async function writeConfig(
  name: ProxyName,
  folder: string,
  { port, nodes }: { port: number; nodes: number[] },
): Promise<string> {
  const text = await readFile(deployed(name === 'nginx' ? 'nginx.conf' : 'Caddyfile'), 'utf8')
  const path = join(folder, name)
  await writeFile(path, name === 'nginx' ? nginxHere(text, folder, port, nodes) : caddyHere(text, nodes))
  return path
}

function nginxHere(text: string, folder: string, port: number, nodes: number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const paths = temporary.map((each) => `${each}_temp_path ${folder}/${each};`).join(' ')
  return text
    .replace('http {', `pid ${folder}/pid;\nhttp {\n  access_log off; ${paths}`)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replaceAll(/server node(\d):3000([^;]*);/g, (_all, number: string, options: string) => {
      const node = nodes[Number(number) - 1]
      return node === undefined ? '' : `server 127.0.0.1:${node}${options};`
    })
}

function caddyHere(text: string, nodes: number[]): string {
  const upstreams = nodes.map((node) => `127.0.0.1:${node}`).join(' ')
  return text
    .replace('{\n', '{\n\tadmin off\n\tdefault_bind 127.0.0.1\n')
    .replace(/node1:3000.*node3:3000/, upstreams)
}

/** The command of a proxy with its file, without the service it can be. */
export function commandOf(name: ProxyName, path: string, check: boolean): [string, string[]] {
  if (name === 'nginx')
    return ['nginx', ['-e', 'stderr', '-g', 'daemon off;', '-c', path, ...(check ? ['-t'] : [])]]
  return ['caddy', [check ? 'validate' : 'run', '--adapter', 'caddyfile', '--config', path]]
}

/** Runs a proxy with its file of deploy/ before the nodes, until the end of the test. Gives its URL. */
export async function startProxy(name: ProxyName, nodes: number[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `tidings-${name}-`))
  const port = await freePort()
  const [command, args] = commandOf(name, await writeConfig(name, folder, { port, nodes }), false)
  const proxy = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, SITE: `:${port}`, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  })
  // nginx ends its workers; Caddy is one process, and would wait for connections.
  defer(proxy, async () => {
    if (proxy.exitCode === null && proxy.kill(name === 'nginx' ? 'SIGTERM' : 'SIGKILL'))
      await once(proxy, 'exit')
    await rm(folder, { recursive: true })
  })
  let said = ''
  proxy.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-10_000)))
  await once(proxy, 'spawn')
  await until(
    () => {
      if (proxy.exitCode !== null) throw new Error(`${name} does not start: ${said}`)
      return accepts(port)
    },
    () => `${name} does not listen: ${said}`,
  )
  return `http://127.0.0.1:${port}`
}
