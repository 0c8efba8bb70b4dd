import { defineConfig } from 'tsup'
import base from '../../tsup.config.base.ts'

export default defineConfig({
  ...base,
  entry: {
    index: 'src/index.ts',
    // `#platform-http` resolves to one of these two, by the export conditions of the importing program.
    'node-http': 'src/http/node-http.ts',
    'platform-http': 'src/http/platform-http.ts',
  },
  external: ['#platform-http'],
  // Published as ES module for Node >= 22.12 only: bundled, it works in CommonJS and in Node 20 as well.
  noExternal: ['eventsource-parser'],
  dts: {
    entry: { index: 'src/index.ts' },
    compilerOptions: { ...base.dts.compilerOptions, stripInternal: true },
  },
})
