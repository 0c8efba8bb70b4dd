// Which file may import which. `pnpm check` runs it: type imports count, too.

/**
 * The rooms of each package, the highest first. A file may import from its own row and from the rows below. A row holds
 * folders and single files; a file that has a row of its own does not count as part of its folder.
 */
const floors = {
  protocol: [
    ['index.ts', 'client.ts'],
    ['methods/'],
    ['messages/'],
    ['http/'],
    ['jsonrpc/'],
    ['zod/', 'revisions.ts', 'normal-uri.ts'],
  ],
  server: [
    ['index.ts', 'backplane-contract/'],
    // The adapters, and what wires them to the transports.
    ['http/'],
    ['http/relay/'],
    ['http/transports/'],
    ['http/options.ts'],
    ['http/incoming/'],
    ['http/outgoing/'],
    // What each adapter implements.
    ['http/transports/transport-response.ts'],
    ['server.ts'],
    ['internals.ts'],
    ['sessions/'],
    ['capabilities/'],
    ['requests/'],
    ['changes/'],
    ['backplane/'],
    ['refusal.ts'],
    ['limits.ts'],
    ['byte-quota.ts'],
    ['quota.ts'],
    ['async/', 'bytes-of.ts', 'canonical-json.ts', 'checks.ts', 'logger.ts', 'options.ts'],
  ],
  redis: [
    ['index.ts'],
    ['redis-backplane.ts'],
    ['reader.ts', 'nodes.ts'],
    ['change-feed.ts', 'directory.ts', 'local-node.ts', 'publisher.ts', 'eviction.ts'],
    ['outbox.ts'],
    ['change-scripts.ts', 'node-scripts.ts', 'session-scripts.ts'],
    ['script.ts', 'link.ts', 'keys.ts', 'mail-pack.ts', 'console-logger.ts'],
    ['redis-client.ts', 'full-error.ts'],
  ],
  client: [
    ['index.ts'],
    ['connect.ts'],
    ['client.ts'],
    ['watch/'],
    // It joins everything below, and is the only file of its room that does.
    ['messages/message-router.ts'],
    ['watch/subscriptions.ts'],
    ['eras/'],
    ['calls/'],
    ['messages/'],
    ['connection/'],
    ['transports/'],
    ['http/'],
    ['async/', 'errors.ts', 'logger.ts', 'timeouts.ts'],
  ],
}

/** The files of the server that may import Koa and its middleware. */
const koaFiles = [
  'http/koa.ts',
  // The middleware and its options are public: their types are Koa's.
  'http/mcp.ts',
  'http/options.ts',
  'http/handler.ts',
  'http/outgoing/node-internals.ts',
  'http/outgoing/koa-sse-stream.d.ts',
]

/** The files of the client that may import modules of Node. A browser's bundle has none of them. */
const nodeFiles = ['http/node-http.ts', 'http/decompress.ts', 'http/utf8-decoder.ts']

const source = (name) => `^packages/${name}/src/`
const escaped = (path) => path.replaceAll('.', '\\.')
/** A pattern for folders (`http/`) and files (`http/koa.ts`) of a package. */
const within = (name, paths) =>
  `${source(name)}(${paths.map((path) => escaped(path) + (path.endsWith('/') ? '' : '$')).join('|')})`

function floorRules(name) {
  const rows = floors[name]
  const all = rows.flat()
  /** What has a row of its own inside a folder of this row. */
  const elsewhere = (row) =>
    all.filter(
      (path) => !row.includes(path) && row.some((room) => room.endsWith('/') && path.startsWith(room)),
    )
  const place = (row) => ({
    path: within(name, row),
    ...(elsewhere(row).length > 0 && { pathNot: within(name, elsewhere(row)) }),
  })
  return [
    ...rows.slice(1).flatMap((row, index) =>
      rows.slice(0, index + 1).map((above) => ({
        name: `${name}: ${row[0]} does not import ${above[0]}`,
        severity: 'error',
        from: place(row),
        to: place(above),
      })),
    ),
    {
      name: `${name}: every file has a floor`,
      comment: 'Add its folder to the floors in .dependency-cruiser.js.',
      severity: 'error',
      from: { path: source(name), pathNot: within(name, all) },
      to: {},
    },
    {
      name: `${name}: every imported file has a floor`,
      comment: 'Add its folder to the floors in .dependency-cruiser.js.',
      severity: 'error',
      from: {},
      to: { path: source(name), pathNot: within(name, all) },
    },
  ]
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no circle',
      comment: 'A type that two files need from each other lives in a third one.',
      severity: 'error',
      from: { path: '^(packages|apps|bench)/' },
      to: { circular: true },
    },
    {
      name: 'protocol imports no other package',
      severity: 'error',
      from: { path: source('protocol') },
      to: { path: '^(packages/(?!protocol/)|apps|bench)' },
    },
    {
      name: 'server imports protocol only',
      severity: 'error',
      from: { path: source('server') },
      to: { path: '^(packages/(?!server/|protocol/)|apps|bench)' },
    },
    {
      name: 'client imports protocol only',
      severity: 'error',
      from: { path: source('client') },
      to: { path: '^(packages/(?!client/|protocol/)|apps|bench)' },
    },
    {
      name: 'programs import the public entries',
      severity: 'error',
      from: { path: '^(apps|bench)/' },
      to: { path: '^packages/(protocol|server|client)/src/(?!index\\.ts|client\\.ts)' },
    },
    {
      name: 'Koa stays in its adapter',
      comment: 'Transports speak TransportRequest and TransportResponse.',
      severity: 'error',
      from: { path: '^packages/', pathNot: within('server', koaFiles) },
      to: { path: 'node_modules/(@types/)?(koa|@koa/|koa-|koa__)|^(koa|@koa/|koa-)' },
    },
    {
      name: 'nothing of Node in a browser',
      severity: 'error',
      from: { path: [source('client'), source('protocol')], pathNot: within('client', nodeFiles) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'every import resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    ...Object.keys(floors).flatMap(floorRules),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(packages|apps|bench)/.*dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@tidings/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.d.ts', '.js', '.json'],
    },
  },
}
