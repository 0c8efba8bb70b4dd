import type { TransportName } from '@tidings/client'
import { transportWords } from '../transport-words.ts'
import { byId, element } from './element.ts'

const parameter = 'transport'
const automatic = 'Uses the newest transport that the server offers.'

/**
 * The transport that the page's address asks for, and the URL to connect to. Choosing another transport loads the
 * page again.
 */
export function chosenTransport(): { transport: TransportName | 'auto'; url: URL } {
  const select = byId('transport') as HTMLSelectElement
  const names = Object.keys(transportWords) as TransportName[]
  select.append(
    element('option', { value: 'auto' }, 'automatic'),
    ...names.map((name) => element('option', { value: name }, `${name} (${transportWords[name].from})`)),
  )
  const asked = new URLSearchParams(location.search).get(parameter)
  const transport = names.find((name) => name === asked) ?? 'auto'
  select.value = transport
  byId('transport-words').textContent = transport === 'auto' ? automatic : transportWords[transport].how
  select.addEventListener('change', () => {
    location.search =
      select.value === 'auto' ? '' : new URLSearchParams({ [parameter]: select.value }).toString()
  })
  return {
    transport,
    url: new URL(transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp', location.href),
  }
}

/** Says how the transport that was found works, where the choice was left to the client. */
export function showFoundTransport(transport: TransportName): void {
  byId('transport-words').textContent = transportWords[transport].how
}
