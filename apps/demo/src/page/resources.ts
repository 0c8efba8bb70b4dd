import type { Client } from '@tidings/client'
import { watchAll } from '../watch-all.ts'
import type { Announcer } from './announcer.ts'
import { byId } from './element.ts'
import { place } from './place.ts'
import { ResourceCard } from './resource-card.ts'

// What a person looks for first comes first, and what ticks is only to be seen, never to be read out.
const order = ['demo://counter', 'clock://now', 'system://cpu', 'system://memory', 'system://load']
const ticking = /^(clock|system):/

/** Keeps a card for each resource of the server, its value live. */
export function showResources(client: Client, announcer: Announcer): void {
  const cards = new Map<string, ResourceCard>()
  const [live, notes, noNotes] = [byId('live'), byId('notes'), byId('no-notes')]
  const elementsOf = (uris: string[]) => uris.flatMap((uri) => cards.get(uri)?.element ?? [])
  let isFirstList = true

  watchAll(client, {
    listed(resources) {
      const uris = resources.map(({ uri }) => uri)
      for (const uri of cards.keys()) {
        if (uris.includes(uri)) continue
        cards.delete(uri)
        announcer.announce(uri, `${uri} was removed.`)
      }
      for (const resource of resources) {
        if (cards.has(resource.uri)) continue
        cards.set(resource.uri, new ResourceCard(resource, client))
        if (!isFirstList) announcer.announce(resource.uri, `${resource.uri} was added.`)
      }
      isFirstList = false
      const noteUris = uris.filter((uri) => uri.startsWith('note:'))
      const others = uris.filter((uri) => !uri.startsWith('note:') && !order.includes(uri))
      place(live, elementsOf([...order.filter((uri) => uris.includes(uri)), ...others]))
      place(notes, elementsOf(noteUris))
      noNotes.hidden = noteUris.length > 0
    },
    value: (uri, contents) => cards.get(uri)?.show(contents),
    failed(uri, error) {
      if (uri === undefined) console.warn('The resources could not be listed', error)
      else cards.get(uri)?.fail(error instanceof Error ? error.message : String(error))
    },
  })
  client.on('notifications/resources/updated', ({ uri }) => {
    cards.get(uri)?.updated(new Date())
    // A new note is also announced as changed: that it was added says more.
    if (!ticking.test(uri) && !announcer.isWaiting(uri)) announcer.announce(uri, `${uri} changed.`)
  })
  client.on('state', ({ state, recovered }) => {
    for (const card of cards.values()) {
      if (state !== 'connected') card.interrupt()
      else if (recovered) card.resume() // without it, every value is read again
    }
  })
}
