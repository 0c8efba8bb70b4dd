import type { CallToolResult, Tool } from '@tidings/client'
import { formatMember, wordsOf } from '../format-value.ts'
import { element } from './element.ts'

/** What a tool returned, as a person reads it: its text, or the members of its structured content. */
export function showResult({ content, structuredContent }: CallToolResult, tool: Tool): Node | string {
  if (!structuredContent) {
    return content
      .map((block) => (block.type === 'text' ? block.text : JSON.stringify(block, undefined, 2)))
      .join('\n')
  }
  const schemas = tool.outputSchema?.properties as Record<string, { title?: string }> | undefined
  const members = Object.entries(structuredContent).map(([key, value]) =>
    element(
      'div',
      {},
      element('dt', {}, schemas?.[key]?.title ?? wordsOf(key)),
      element('dd', {}, formatMember(key, value)),
    ),
  )
  return element('dl', {}, ...members)
}
