import type { Door } from '@tidings/client'
import { byId } from './element.ts'

const select = byId('door') as HTMLSelectElement
const parameter = 'door'

/** The door that the page's address says, by which it is to connect, and its URL. Choosing another loads the page anew. */
export function chosenDoor(): { door: Door | 'auto'; url: URL } {
  const asked = new URLSearchParams(location.search).get(parameter)
  const offered = [...select.options].some(({ value }) => value === asked)
  select.value = offered ? asked! : 'auto'
  select.addEventListener('change', () => {
    location.search =
      select.value === 'auto' ? '' : new URLSearchParams({ [parameter]: select.value }).toString()
  })
  const door = select.value as Door | 'auto'
  return { door, url: new URL(door === 'http+sse' || door === 'paired' ? '/sse' : '/mcp', location.href) }
}
