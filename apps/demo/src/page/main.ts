import { connect } from '@tidings/client'
import { Announcer } from './announcer.ts'
import { Connection } from './connection.ts'
import { askInDialog } from './elicitation.ts'
import { makeLine } from './line.ts'
import { NodePanel } from './node.ts'
import { Log } from './log.ts'
import { showResources } from './resources.ts'
import { followSectionBar } from './sections.ts'
import { showTools } from './tools.ts'
import { chosenTransport } from './transport.ts'

followSectionBar()
const log = new Log()
const line = makeLine()
const connection = new Connection(line, log)
const node = new NodePanel((text) => connection.tell(text))
line.onResponse = (response) => node.heard(response)

const { transport, url } = chosenTransport()
const client = await connect(url, {
  transport,
  clientInfo: { name: 'tidings-demo-page', title: 'Tidings demo page', version: '1.0.0' },
  fetch: line.fetch,
  handlers: { elicit: askInDialog },
}).catch((error: Error) => {
  connection.show('closed')
  connection.tell(`no connection: ${error.message}`)
  throw error
})
connection.follow(client)

client.on('notifications/resources/updated', ({ uri }) => log.add('updated', uri))
client.on('notifications/resources/list_changed', () => log.add('list', 'List of resources'))
client.on('notifications/tools/list_changed', () => log.add('list', 'List of tools'))
client.on('notifications/prompts/list_changed', () => log.add('list', 'List of prompts'))
client.on('notifications/message', ({ level, data }) =>
  log.add('message', 'Log messages', `${level}: ${JSON.stringify(data)}`),
)
client.on('notifications/progress', ({ progress, total, message }) =>
  log.add('progress', 'Progress', message ?? `${progress}${total === undefined ? '' : ` of ${total}`}`),
)
showResources(client, new Announcer())
showTools(client)
