import { connect } from '@tidings/client'
import { Connection } from './connection.ts'
import { chosenTransport } from './transport.ts'
import { askInDialog } from './elicitation.ts'
import { makeLine } from './line.ts'
import { Log } from './log.ts'
import { showResources } from './resources.ts'
import { showTools } from './tools.ts'

const log = new Log()
const line = makeLine()
const connection = new Connection(line, log)

const { transport, url } = chosenTransport()
const client = await connect(url, {
  transport,
  clientInfo: { name: 'tidings-demo-page', title: 'Tidings demo page', version: '1.0.0' },
  fetch: line.fetch,
  handlers: { elicit: askInDialog },
}).catch((error: Error) => {
  connection.show('closed')
  log.add('connection', error.message)
  throw error
})
connection.follow(client)

client.on('notifications/resources/updated', ({ uri }) => log.add('updated', uri))
client.on('notifications/resources/list_changed', () => log.add('list', 'resources'))
client.on('notifications/tools/list_changed', () => log.add('list', 'tools'))
client.on('notifications/prompts/list_changed', () => log.add('list', 'prompts'))
client.on('notifications/message', ({ level, data }) =>
  log.add('message', `${level}: ${JSON.stringify(data)}`),
)
client.on('notifications/progress', ({ progress, total, message }) =>
  log.add('progress', message ?? `${progress}${total === undefined ? '' : ` of ${total}`}`),
)
showResources(client)
showTools(client)
