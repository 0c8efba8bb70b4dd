import { build } from 'esbuild'
import { page, programs } from './esbuild.config.js'

await Promise.all([build(programs), build(page)])
