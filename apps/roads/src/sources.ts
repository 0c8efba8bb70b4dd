// Loaded with --import: from here on the process runs TypeScript sources, each file by itself. Coverage then names the
// files and functions of the sources, with no source map between.
import { register } from 'node:module'

register('./sources-hooks.js', import.meta.url)
