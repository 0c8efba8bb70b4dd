import { createParser } from 'eventsource-parser'

/** A notification of a change, as it came. */
export interface HeardChange {
  readonly uri: string
  readonly epoch: string
  /** Its number in the order; 0 when it says that the resource may have changed. */
  readonly position: number
}

/** The parameters of `notifications/resources/updated`. */
interface Updated {
  readonly uri: string
  readonly _meta?: Readonly<Record<string, unknown>> | undefined
}

/** A change that was told on a stream without a session. */
export function heardWithoutSession({ uri, _meta }: Updated): HeardChange {
  const position = _meta?.['dev.tidings/position']
  return { uri, ...positionOf(typeof position === 'string' ? position : '') }
}

/** A `fetch` that shows each change that is told on the stream of a session, with the position that its event has. */
export function hearingFetch(hear: (change: HeardChange) => void): typeof fetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (!isStream || response.body === null) return response
    const decoder = new TextDecoder()
    const parser = createParser({
      onEvent({ id, data }) {
        if (!data.startsWith('{')) return
        const { method, params } = JSON.parse(data) as { method?: string; params?: Updated }
        if (method !== 'notifications/resources/updated') return
        hear({ uri: params!.uri, ...positionOf(id ?? '') })
      },
    })
    const shown = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        parser.feed(decoder.decode(chunk, { stream: true }))
        controller.enqueue(chunk)
      },
    })
    return new Response(response.body.pipeThrough(shown), response)
  }
}

/** @param id `session.epoch.position`, with more behind it; or `epoch.position`. */
function positionOf(id: string): { epoch: string; position: number } {
  const parts = id.split('.')
  const [epoch = '', position = '0'] = parts.length === 2 ? parts : parts.slice(1)
  return { epoch, position: Number(position) }
}
