import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/roads.ts', 'src/server.ts', 'src/client.ts', 'src/sources.ts', 'src/sources-hooks.ts'],
  format: ['esm'],
  target: 'node20',
  clean: true,
  // A list of files that the command line names is imported as it is.
  splitting: true,
})
