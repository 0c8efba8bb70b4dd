// Our server as one of many nodes, or alone. Its argument is the URL of Redis, or nothing.
import { RedisBackplane } from '@tidings/redis'
import { serve } from '@tidings/server'
import { control } from './control.ts'
import { echoServer } from './echo-server.ts'

const [url] = process.argv.slice(2)
const { server, publish } = echoServer(url === undefined ? {} : { backplane: new RedisBackplane({ url }) })
const { port } = await serve(server)
control({ port, publish })
