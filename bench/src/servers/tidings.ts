// Our server, all transports open.
import { serve } from '@tidings/server'
import { control } from './control.ts'
import { echoServer } from './echo-server.ts'

const { server, publish } = echoServer()
const { port } = await serve(server)
control({ port, publish })
