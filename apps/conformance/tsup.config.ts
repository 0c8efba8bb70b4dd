import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/server.ts', 'src/client.ts'],
  format: ['esm'],
  target: 'node20',
  clean: true,
  // The client is started once for each scenario: one file starts faster than the many it is made of.
  splitting: false,
  noExternal: ['@tidings/client', /^zod\//],
})
