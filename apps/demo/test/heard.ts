import type { Client } from '@tidings/client'

/** Resolves when the client hears of an update of the resource. Call it before what should cause the update. */
export function heardUpdate(client: Client, uri: string): Promise<void> {
  return new Promise((resolve) => {
    const off = client.on('notifications/resources/updated', (params) => {
      if (params.uri !== uri) return
      off()
      resolve()
    })
  })
}

/** Resolves when the client hears that the list of resources has changed. */
export function heardListChange(client: Client): Promise<void> {
  return new Promise((resolve) => {
    const off = client.on('notifications/resources/list_changed', () => {
      off()
      resolve()
    })
  })
}

/** The text of a resource's only contents. */
export async function readText(client: Client, uri: string): Promise<string> {
  const [part] = (await client.readResource(uri)).contents
  if (part === undefined || !('text' in part)) throw new Error(`${uri} has no text`)
  return part.text
}
