import type { SubscriptionFilter } from './subscriptions.ts'

interface ListEntry {
  /** The field of a subscription filter that asks for changes of the list. */
  readonly filter: keyof SubscriptionFilter
  /** The notification that announces a change of the list. */
  readonly changed: `notifications/${string}/list_changed`
}

/** The lists whose changes a server announces, by name. */
export const lists = {
  tools: { filter: 'toolsListChanged', changed: 'notifications/tools/list_changed' },
  prompts: { filter: 'promptsListChanged', changed: 'notifications/prompts/list_changed' },
  resources: { filter: 'resourcesListChanged', changed: 'notifications/resources/list_changed' },
} as const satisfies Record<string, ListEntry>

/** The name of one of the {@link lists}. */
export type List = keyof typeof lists

/** The names of all {@link lists}. */
export const listNames = Object.keys(lists) as readonly List[]
