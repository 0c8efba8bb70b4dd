import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '@tidings/client'
import type { Page } from 'playwright-core'

/** The frames of the picture, in number. */
export const frameCount = 22

/** What the scene acts on: the page in the picture, another client of the same server, and the folder of notes. */
export interface Stage {
  page: Page
  other: Client
  notes: string
}

/**
 * Brings the scene to a frame. Another client changes the counter all the time, a note is saved in an editor, the
 * connection is cut, and what was saved in the meantime arrives when it is back.
 */
export async function play(frame: number, { page, other, notes }: Stage): Promise<void> {
  const save = (line: string) =>
    writeFile(
      join(notes, 'welcome.md'),
      `# Welcome\n\n**${line}**\n\nEvery page hears when this file is saved.\n`,
    )
  if (frame === 5) await save('Saved in an editor, a moment ago.')
  if (frame === 12) await page.getByRole('button', { name: 'Cut the connection' }).click()
  if (frame === 13) await save('Saved while the connection was cut.')
  if (frame > 0) await other.callTool('burst', { count: 1237 })
}
