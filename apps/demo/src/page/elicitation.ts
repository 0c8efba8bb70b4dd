import type { ElicitRequestParams, ElicitResult } from '@tidings/client'
import { element } from './element.ts'
import { makeSchemaForm } from './schema-form.ts'

/**
 * Shows a question that a server asks in the middle of a call, as a form or as a page to visit, and resolves with the
 * answer. Escape answers "cancel". When the server takes the question back (`signal`), the dialog closes.
 */
export async function askInDialog(
  params: ElicitRequestParams,
  { signal }: { signal: AbortSignal },
): Promise<ElicitResult> {
  const form = makeSchemaForm(params.mode === 'url' ? {} : params.requestedSchema)
  const accept = element('button', { class: 'primary', type: 'submit' }, 'Accept')
  const decline = element('button', { type: 'button' }, 'Decline')
  const cancel = element('button', { type: 'button', class: 'quiet' }, 'Cancel')
  const title = element('h2', { id: 'dialog-title' }, 'The server asks')
  if (params.mode === 'url') form.element.append(element('code', {}, params.url))
  form.element.append(element('div', { class: 'buttons' }, accept, decline, cancel))
  const message = element('p', {}, params.message)
  const dialog = element('dialog', { 'aria-labelledby': title.id }, title, message, form.element)
  document.body.append(dialog)
  const close = () => dialog.close()

  const answer = await new Promise<ElicitResult>((resolve) => {
    form.element.addEventListener('submit', (event) => {
      event.preventDefault()
      if (params.mode === 'url') {
        // Only a page of the web: no script and no file.
        if (/^https?:/.test(params.url)) window.open(params.url, '_blank', 'noopener')
        resolve({ action: 'accept' })
      } else {
        resolve({ action: 'accept', content: form.read() as NonNullable<ElicitResult['content']> })
      }
      close()
    })
    decline.addEventListener('click', () => {
      resolve({ action: 'decline' })
      close()
    })
    cancel.addEventListener('click', close)
    dialog.addEventListener('close', () => resolve({ action: 'cancel' }))
    signal.addEventListener('abort', close)
    dialog.showModal()
  })
  signal.removeEventListener('abort', close)
  dialog.remove()
  return answer
}
