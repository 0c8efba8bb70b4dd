import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { commandOf, deployed, writeConfig } from './proxies.ts'

/** The time that a server takes to close at most, in seconds: calls in flight, streams, connections. */
const closeSeconds = 5 + 1 + 1

test.each(['nginx', 'caddy'] as const)('%s accepts its file', async (name) => {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-deploy-'))
  const path = await writeConfig(name, folder, { port: 8080, nodes: [3001, 3002, 3003] })
  const [command, args] = commandOf(name, path, true)
  const env = { ...process.env, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', env })
  expect({ status, stderr }).toMatchObject({ status: 0 })
  await rm(folder, { recursive: true })
})

test('the proxies know the nodes of the compose file, and keep no client to one', async () => {
  const { services } = await compose()
  const nodes = Object.keys(services).filter((name) => name.startsWith('node'))
  expect(nodes).toHaveLength(3)
  for (const file of ['nginx.conf', 'Caddyfile']) {
    const text = await readFile(deployed(file), 'utf8')
    expect([...new Set(text.match(/\bnode\d+(?=:3000)/g))]).toEqual(nodes)
    expect(text).not.toMatch(/ip_hash|hash \$|sticky|lb_policy (?!round_robin)/)
  }
})

test('in the compose file each node has the same Redis, a time to end in and a check of its health', async () => {
  const { services, volumes } = await compose()
  for (const name of ['node1', 'node2', 'node3']) {
    const { environment, stop_grace_period, depends_on, healthcheck, volumes: mounted } = services[name]
    expect(environment).toMatchObject({ REDIS_URL: 'redis://redis:6379', NODE_NAME: expect.any(String) })
    expect(parseInt(stop_grace_period, 10)).toBeGreaterThan(closeSeconds)
    expect(depends_on).toEqual({ redis: { condition: 'service_healthy' } })
    expect(healthcheck.test.join(' ')).toContain('/health')
    expect(mounted).toEqual(['notes:/notes'])
  }
  expect(new Set(['node1', 'node2', 'node3'].map((name) => services[name].environment.NODE_NAME)).size).toBe(
    3,
  )
  expect(services.redis.command.join(' ')).toContain('--maxmemory-policy noeviction')
  expect(services.nginx.volumes).toEqual(['./nginx.conf:/etc/nginx/nginx.conf:ro'])
  for (const port of services.nginx.ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  for (const { image, build } of Object.values<any>(services)) expect(image ?? build.dockerfile).toBeTruthy()
  expect(Object.keys(volumes)).toEqual(['redis', 'notes'])
})

test('in Kubernetes a pod is ready by its health, and has the time to drain', async () => {
  const documents = parseAllDocuments(await readFile(deployed('kubernetes.yaml'), 'utf8'))
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([])
  const kinds = Object.fromEntries(documents.map((document) => [document.toJS().kind, document.toJS()]))
  expect(Object.keys(kinds)).toEqual(['Secret', 'Deployment', 'Service', 'PodDisruptionBudget'])
  const { selector, template, replicas } = kinds.Deployment.spec
  const labels = template.metadata.labels
  expect(selector.matchLabels).toEqual(labels)
  expect(kinds.Service.spec.selector).toEqual(labels)
  expect(kinds.Service.spec.sessionAffinity).toBeUndefined()
  expect(kinds.PodDisruptionBudget.spec.selector.matchLabels).toEqual(labels)
  expect(kinds.PodDisruptionBudget.spec.maxUnavailable).toBeLessThan(replicas)

  const [container] = template.spec.containers
  expect(container.readinessProbe.httpGet).toEqual({ path: '/health', port: 'http' })
  expect(container.ports).toEqual([{ name: 'http', containerPort: 3000 }])
  expect(kinds.Service.spec.ports[0].targetPort).toBe('http')
  const drainSeconds = Number(container.lifecycle.preStop.exec.command.at(-1))
  const { periodSeconds, failureThreshold } = container.readinessProbe
  // By then the pod has left the Service, also when only its health says so.
  expect(drainSeconds).toBeGreaterThanOrEqual(periodSeconds * failureThreshold)
  expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds + closeSeconds)
  const { REDIS_URL } = Object.fromEntries(container.env.map((each: any) => [each.name, each.valueFrom]))
  expect(REDIS_URL.secretKeyRef).toEqual({ name: kinds.Secret.metadata.name, key: 'url' })
})

async function compose(): Promise<any> {
  return parse(await readFile(deployed('compose.yaml'), 'utf8'), { merge: true, strict: true })
}
