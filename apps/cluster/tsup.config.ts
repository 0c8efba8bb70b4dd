import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { node: 'src/node.ts', schedules: 'src/schedules.ts' },
  format: ['esm'],
  target: 'node20',
  clean: true,
})
