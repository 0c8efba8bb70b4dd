import { defineConfig } from 'tsup'
import base from '../../tsup.config.base.ts'

export default defineConfig({
  ...base,
  entry: {
    index: 'src/index.ts',
    // One of them is what `#platform-http` is, by the conditions of whoever imports it.
    'node-http': 'src/http/node-http.ts',
    'platform-http': 'src/http/platform-http.ts',
  },
  external: ['#platform-http'],
  dts: { ...base.dts, entry: { index: 'src/index.ts' } },
})
