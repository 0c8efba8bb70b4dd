import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/bench.ts', 'src/servers/*.ts', 'src/clients/*.ts', 'src/load/load.ts'],
  format: ['esm'],
  target: 'node20',
  clean: true,
  splitting: true,
})
