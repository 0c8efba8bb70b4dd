import type { TransportName } from '@tidings/client'
import { byId } from './element.ts'

const select = byId('transport') as HTMLSelectElement
const parameter = 'transport'

/** The transport that the page's address says, by which it is to connect, and its URL. Choosing another loads the page anew. */
export function chosenTransport(): { transport: TransportName | 'auto'; url: URL } {
  const asked = new URLSearchParams(location.search).get(parameter)
  const offered = [...select.options].some(({ value }) => value === asked)
  select.value = offered ? asked! : 'auto'
  select.addEventListener('change', () => {
    location.search =
      select.value === 'auto' ? '' : new URLSearchParams({ [parameter]: select.value }).toString()
  })
  const transport = select.value as TransportName | 'auto'
  return {
    transport,
    url: new URL(transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp', location.href),
  }
}
