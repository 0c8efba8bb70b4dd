import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    server: 'src/server.ts',
    client: 'src/client.ts',
    suite: 'src/suite/run.ts',
    'glob-sync': 'src/suite/glob-sync.ts',
    'bridge-for-client': 'src/suite/bridge-for-client.ts',
  },
  format: ['esm'],
  target: 'node20',
  clean: true,
  // The client is started once for each scenario: one file starts faster than the many it is made of.
  splitting: false,
  noExternal: ['@tidings/client', /^zod\//],
})
