// Our server as one of the workers of node:cluster.
import { ClusterBackplane, serve } from '@tidings/server'
import { control } from './control.ts'
import { echoServer } from './echo-server.ts'

const { server, publish } = echoServer({ backplane: new ClusterBackplane() })
const { port } = await serve(server, { port: Number(process.argv[2]) })
control({ port, publish })
