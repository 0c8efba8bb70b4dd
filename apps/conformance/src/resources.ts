import type { McpServer } from '@tidings/server'
import { redPixel } from './samples.ts'

/** Adds a resource of text, one of bytes, one to subscribe to, and a template. */
export function addResources(server: McpServer): void {
  server.resource(
    'test://static-text',
    { name: 'static-text', description: 'Text that never changes', mimeType: 'text/plain' },
    () => 'This is the content of the static text resource.',
  )

  server.resource(
    'test://static-binary',
    { name: 'static-binary', description: 'An image that never changes', mimeType: 'image/png' },
    () => Buffer.from(redPixel, 'base64'),
  )

  server.resource(
    'test://watched-resource',
    { name: 'watched-resource', description: 'Text to subscribe to', mimeType: 'text/plain' },
    () => 'Watched resource content',
  )

  server.template(
    'test://template/{id}/data',
    { name: 'template', description: 'Data of the id in the URI', mimeType: 'application/json' },
    ({ id }) => ({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
  )
}
