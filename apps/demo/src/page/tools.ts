import type { Client } from '@tidings/client'
import { byId } from './element.ts'
import { toolPanel } from './tool-panel.ts'

/** Keeps a panel for each tool of the server. */
export function showTools(client: Client): void {
  const panels = byId('tools')
  let shown = ''

  async function list() {
    const tools = await client.listTools()
    // After a reconnect the tools are mostly the same: forms that are filled in and calls that run stay.
    const listed = JSON.stringify(tools)
    if (listed === shown) return
    shown = listed
    panels.replaceChildren(...tools.map((tool) => toolPanel(tool, client)))
  }

  const show = () => {
    list().catch((error: unknown) => console.warn('The tools could not be listed', error))
  }
  client.on('notifications/tools/list_changed', show)
  client.on('state', ({ state }) => {
    if (state === 'connected') show()
  })
  show()
}
