import type { ChangeIndex } from '../../src/changes/change-index.ts'
import type { McpServer } from '../../src/index.ts'
import { internalsOf } from '../../src/internals.ts'

/** The change index of a server, which applications do not see. */
export function changesOf(server: McpServer): ChangeIndex {
  return internalsOf(server).changes
}
