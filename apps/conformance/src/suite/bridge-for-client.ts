// Runs a client on HTTP+SSE against the suite's server, which speaks Streamable HTTP only. The suite starts this program
// in place of the client:
//
//   node bridge-for-client.js node client.js http://localhost:40123
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { bridgeToClient } from './bridge-to-client.ts'

const [program = '', ...rest] = process.argv.slice(2)
const args = rest.slice(0, -1)
const { url } = await bridgeToClient(new URL(rest.at(-1) ?? ''))
const client = spawn(program, [...args, url], { stdio: 'inherit' })
const [status] = (await once(client, 'exit')) as [number | null]
process.exit(status ?? 1)
