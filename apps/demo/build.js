import { build } from 'esbuild'
import { page, picture, programs } from './esbuild.config.js'

await Promise.all([build(programs), build(page), build(picture)])
