import type { Client } from '@tidings/client'
import { reconnectedWords } from '../transport-words.ts'
import { byId } from './element.ts'
import type { Line } from './line.ts'
import type { Log } from './log.ts'
import { showFoundTransport } from './transport.ts'

type State = Client['state']

const words: Record<State, string> = {
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Closed',
}

/** Shows the state of the connection and the server at its other end, and cuts it on request. */
export class Connection {
  readonly #state = byId('state')
  readonly #news = byId('connection-news')
  readonly #cut = byId('cut') as HTMLButtonElement
  readonly #log: Log

  constructor(line: Line, log: Log) {
    this.#log = log
    this.#cut.addEventListener('click', () => {
      if (this.#state.dataset.state !== 'connected') return
      this.tell('cut by you')
      line.cut()
    })
    this.show('connecting')
  }

  /** Shows a state. */
  show(state: State): void {
    this.#state.dataset.state = state
    this.#state.textContent = words[state]
    // Not `disabled`: that would take the focus away from the button that was just pressed.
    this.#cut.setAttribute('aria-disabled', String(state !== 'connected'))
  }

  /** Says what happened to the connection, beside its state and in the log. */
  tell(text: string): void {
    this.#news.textContent = `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
    this.#log.add('connection', 'Connection', text)
  }

  /** Follows a client from now on. */
  follow(client: Client): void {
    byId('server-name').textContent = `${client.serverInfo.name} ${client.serverInfo.version}`
    byId('server-connection').hidden = false
    byId('server-transport').textContent = client.transport
    byId('server-revision').textContent = client.revision
    byId('instructions').textContent = client.instructions ?? ''
    showFoundTransport(client.transport)
    this.show(client.state)
    client.on('state', ({ state, recovered, error }) => {
      this.show(state)
      if (state === 'connected') this.tell(reconnectedWords(client.transport, recovered === true))
      else this.tell(error ? `${words[state].toLowerCase()}: ${error.message}` : words[state].toLowerCase())
    })
  }
}
