import type { McpServer } from '@tidings/server'
import { everySecond } from './every-second.ts'
import type { SharedState } from './shared-state.ts'

/** `clock://now`: the time, announced every second. */
export function clock(
  server: McpServer,
  { state, ...ticking }: { state: SharedState; signal: AbortSignal; onError: (error: unknown) => void },
): void {
  const now = server.resource(
    'clock://now',
    {
      name: 'now',
      title: 'Clock',
      description: 'The time on the server, to the second',
      mimeType: 'text/plain',
    },
    () => `${new Date().toISOString().slice(0, 19)}Z`,
  )
  everySecond(async (time) => {
    if (await state.isFirst(`clock ${Math.floor(time.getTime() / 1000)}`)) now.changed()
  }, ticking)
}
