import type { Client } from '@tidings/client'
import type { ProgressNotificationParams, Tool } from '@tidings/client'
import { element } from './element.ts'
import { makeSchemaForm } from './schema-form.ts'
import { showResult } from './tool-result.ts'

/** One tool: its form; while it runs, its progress and a button to cancel it; then its result. */
export function toolPanel(tool: Tool, client: Client): HTMLElement {
  const form = makeSchemaForm(tool.inputSchema)
  const run = element('button', { class: 'primary', type: 'submit' }, 'Run')
  const cancel = element('button', { type: 'button', hidden: true }, 'Cancel')
  const bar = element('progress', { hidden: true, 'aria-label': `Progress: ${tool.title ?? tool.name}` })
  const said = element('span', { class: 'said' })
  const result = element('output', { class: 'result', hidden: true })
  form.element.append(element('div', { class: 'buttons' }, run, cancel, bar, said), result)

  let running: AbortController | undefined
  cancel.addEventListener('click', () => running?.abort())
  form.element.addEventListener('submit', (event) => {
    event.preventDefault()
    if (!running) void call()
  })

  async function call() {
    const ending = new AbortController()
    running = ending
    setRunning(true)
    const startedAt = performance.now()
    try {
      const options = { signal: ending.signal, onProgress: showProgress }
      const answer = await client.callTool(tool.name, form.read(), options)
      show(showResult(answer, tool), answer.isError === true)
      said.textContent = `${Math.round(performance.now() - startedAt).toLocaleString()} ms`
    } catch (error) {
      said.textContent = ''
      if (ending.signal.aborted) show('Cancelled.', false)
      else show(error instanceof Error ? error.message : String(error), true)
    } finally {
      running = undefined
      setRunning(false)
    }
  }

  function setRunning(isRunning: boolean) {
    // The focus moves to the button that is useful next, and is not lost with the one that is hidden.
    const hadFocus = form.element.contains(document.activeElement)
    run.hidden = isRunning
    cancel.hidden = bar.hidden = !isRunning
    if (hadFocus) (isRunning ? cancel : run).focus()
    if (!isRunning) return
    result.hidden = true
    said.textContent = ''
    bar.removeAttribute('value')
  }

  function showProgress({ progress, total, message }: ProgressNotificationParams) {
    if (total !== undefined) {
      bar.max = total
      bar.value = progress
    }
    said.textContent = message ?? (total === undefined ? String(progress) : `${progress} of ${total}`)
  }

  function show(content: Node | string, isError: boolean) {
    result.hidden = false
    result.classList.toggle('error', isError)
    result.replaceChildren(content)
  }

  const summary = element(
    'summary',
    {},
    element('span', {}, tool.title ?? tool.name),
    element('code', {}, tool.name),
  )
  return element(
    'details',
    { class: 'tool', name: 'tool', 'data-tool': tool.name },
    summary,
    element('p', { class: 'description' }, tool.description ?? ''),
    form.element,
  )
}
