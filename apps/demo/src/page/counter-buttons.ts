import type { Client } from '@tidings/client'
import { element } from './element.ts'

/** Buttons that change the counter through the tool `burst`: once, and so often that no reader could follow. */
export function counterButtons(client: Client): HTMLElement {
  const buttons = [1, 100_000].map((count) => {
    const button = element('button', { type: 'button' }, `Add ${count.toLocaleString('en')}`)
    button.addEventListener('click', () => {
      client.callTool('burst', { count }).catch((error: unknown) => {
        console.warn('The counter could not be changed', error)
      })
    })
    return button
  })
  return element('div', { class: 'buttons' }, ...buttons)
}
