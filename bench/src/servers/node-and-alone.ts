// Our server twice in one process: as a node on Redis, whose URL is the argument, and alone. So nothing but Redis tells them
// apart: two processes with the same program differ by a tenth.
import { RedisBackplane } from '@tidings/redis'
import { serve } from '@tidings/server'
import { control } from './control.ts'
import { echoServer } from './echo-server.ts'

const servers = {
  node: echoServer({ backplane: new RedisBackplane({ url: process.argv[2]! }) }),
  alone: echoServer(),
}
let chosen = servers.node
const [{ port }, { port: alonePort }] = [await serve(servers.node.server), await serve(servers.alone.server)]
control(
  { port, publish: (uri) => chosen.publish(uri) },
  {
    alonePort: () => alonePort,
    choose: (name: keyof typeof servers) => {
      chosen = servers[name]
    },
  },
)
