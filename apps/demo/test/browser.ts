import { execFileSync } from 'node:child_process'
import { chromium, type Browser } from 'playwright-core'

const known = 'command -v chromium || command -v chromium-browser || command -v google-chrome'

/** Starts the Chromium that CHROMIUM names, or the one that is installed (scripts/install-by-apt.sh). */
export async function launchBrowser(): Promise<Browser> {
  const executablePath =
    process.env.CHROMIUM || execFileSync('sh', ['-c', known], { encoding: 'utf8' }).trim()
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
