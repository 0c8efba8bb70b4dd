import { serve } from '@tidings/server'
import { fixture } from './fixture.ts'

const running = await serve(fixture(), { port: Number(process.env.PORT ?? 3001) })
process.once('SIGTERM', () => void running.close())
console.log(`The conformance fixture listens at ${running.url}`)
