import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { run: 'src/run.ts', server: 'src/server.ts' },
  format: ['esm'],
  target: 'node20',
  clean: true,
})
