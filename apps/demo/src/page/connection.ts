import type { Client } from '@tidings/client'
import { byId } from './element.ts'
import type { Line } from './line.ts'
import type { Log } from './log.ts'

type State = Client['state']

const words: Record<State, string> = {
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Closed',
}

/** Shows how the connection is, whose it is, and cuts it when asked. */
export class Connection {
  readonly #state = byId('state')
  readonly #cut = byId('cut') as HTMLButtonElement
  readonly #log: Log

  constructor(line: Line, log: Log) {
    this.#log = log
    this.#cut.addEventListener('click', () => {
      if (this.#state.dataset.state !== 'connected') return
      log.add('connection', 'cut by you')
      line.cut()
    })
    this.show('connecting')
  }

  /** Shows a state, and why in the log. */
  show(state: State): void {
    this.#state.dataset.state = state
    this.#state.textContent = words[state]
    // Not `disabled`: that would take the focus away from who has just pressed it.
    this.#cut.setAttribute('aria-disabled', String(state !== 'connected'))
  }

  /** Follows a client from now on. */
  follow(client: Client): void {
    byId('server-name').textContent = `${client.serverInfo.name} ${client.serverInfo.version}`
    byId('server-revision').textContent = client.revision
    byId('server-transport').textContent = client.transport
    byId('instructions').textContent = client.instructions ?? ''
    this.show(client.state)
    client.on('state', ({ state, recovered, error }) => {
      this.show(state)
      if (state === 'connected')
        this.#log.add('connection', recovered ? 'back, same session' : 'back, new session')
      else this.#log.add('connection', error ? `${words[state]}: ${error.message}` : words[state])
    })
  }
}
