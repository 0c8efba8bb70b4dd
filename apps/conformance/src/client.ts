import { scenarios } from './scenarios.ts'

const name = process.env.MCP_CONFORMANCE_SCENARIO ?? ''
const scenario = scenarios[name]
const url = process.argv.slice(2).at(-1) ?? ''

if (!scenario) {
  const known = Object.keys(scenarios).join(', ')
  console.error(`MCP_CONFORMANCE_SCENARIO is '${name}', which this client cannot run. It can run: ${known}`)
  process.exitCode = 2
} else if (!URL.canParse(url)) {
  console.error(`The last argument must be the URL of the server's stream, and is '${url}'`)
  process.exitCode = 2
} else {
  await scenario(url)
}
