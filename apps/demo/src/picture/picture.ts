// Takes the README's picture of the demo: the page in a browser, with its values moving, as an animated GIF.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect } from '@tidings/client'
import { launchBrowser } from '../../test/browser.ts'
import { run } from '../../test/run-demo.ts'
import { encodeGif, type Frame } from './gif.ts'
import { frameCount, play, type Stage } from './scene.ts'

// Relative to dist, where the built program is.
const target = fileURLToPath(new URL('../../../docs/demo.gif', import.meta.url))
const viewport = { width: 1200, height: 1000 }
// The least time between two frames, and the time that each is shown, in milliseconds. On a machine that takes longer
// the time on the page runs a little faster than it did.
const frameMs = 400
// The plots need something to show.
const warmUpMs = 20_000

const folder = await mkdtemp(join(tmpdir(), 'tidings-picture-'))
const notes = join('apps', 'demo', 'notes')
await cp(new URL('../notes', import.meta.url), join(folder, notes), { recursive: true })
// The page names the folder of notes as seen from here.
process.chdir(folder)
const server = run('server.js', [], { PORT: '0', HOST: '127.0.0.1', NOTES_DIR: notes })
const browser = await launchBrowser()
try {
  const ready = await server.line(/^Tidings demo on http:/)
  const url = ready.replace('Tidings demo on ', '')
  const page = await browser.newPage({ viewport, colorScheme: 'light' })
  await page.goto(url)
  await page.locator('#state[data-state=connected]').waitFor()
  await setTimeout(warmUpMs)
  const other = await connect(`${url}/mcp`)
  const frames = await film({ page, other, notes: join(folder, notes) })
  await other.close()
  const gif = encodeGif(frames)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, gif)
  console.log(`${target}: ${frames.length} frames, ${Math.round(gif.length / 1000)} kB`)
} finally {
  await browser.close()
  await server.end()
  await rm(folder, { recursive: true })
}

/** Screenshots of the scene. */
async function film(stage: Stage): Promise<Frame[]> {
  const frames: Frame[] = []
  while (frames.length < frameCount) {
    const next = setTimeout(frameMs)
    await play(frames.length, stage)
    frames.push({ png: await stage.page.screenshot(), ms: frameMs })
    await next
  }
  return frames
}
