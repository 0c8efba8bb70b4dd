import type { Client } from '@tidings/client'
import { watchAll } from '../watch-all.ts'
import { byId } from './element.ts'
import { ResourceCard } from './resource-card.ts'

/** Keeps a card for each resource of the server, its value live. */
export function showResources(client: Client): void {
  const cards = new Map<string, ResourceCard>()
  const [live, notes, noNotes] = [byId('live'), byId('notes'), byId('no-notes')]

  watchAll(client, {
    listed(resources) {
      const uris = resources.map(({ uri }) => uri)
      for (const uri of cards.keys()) if (!uris.includes(uri)) cards.delete(uri)
      for (const resource of resources) {
        if (!cards.has(resource.uri)) cards.set(resource.uri, new ResourceCard(resource))
      }
      const elementsOf = (wanted: string[]) => wanted.flatMap((uri) => cards.get(uri)?.element ?? [])
      const noteUris = uris.filter((uri) => uri.startsWith('note:'))
      place(live, elementsOf(uris.filter((uri) => !uri.startsWith('note:'))))
      place(notes, elementsOf(noteUris))
      noNotes.hidden = noteUris.length > 0
    },
    value: (uri, contents) => cards.get(uri)?.show(contents),
    failed(uri, error) {
      if (uri === undefined) console.warn('The resources could not be listed', error)
      else cards.get(uri)?.fail(error instanceof Error ? error.message : String(error))
    },
  })
  client.on('notifications/resources/updated', ({ uri }) => cards.get(uri)?.updated(new Date()))
  client.on('state', ({ state }) => {
    if (state !== 'connected') for (const card of cards.values()) card.interrupt()
  })
}

/** Makes `children` those of `parent`, and moves only what is not in its place: a move loses focus and scroll. */
function place(parent: HTMLElement, children: HTMLElement[]): void {
  for (const child of Array.from(parent.children)) {
    if (!children.includes(child as HTMLElement)) child.remove()
  }
  children.forEach((child, index) => {
    const there = parent.children[index] ?? null
    if (there !== child) parent.insertBefore(child, there)
  })
}
