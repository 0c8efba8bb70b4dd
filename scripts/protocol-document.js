// Puts PROTOCOL.md into a published package. The document is in the root of the repository, and npm packs only files
// below the folder of a package: `prepack` copies it there, `postpack` removes the copy. Both run for `pnpm pack` and
// `pnpm publish`. The `files` of the package name PROTOCOL.md.
//
// Usage, in the folder of a package: node ../../scripts/protocol-document.js copy|remove
import { copyFileSync, rmSync } from 'node:fs'

const name = 'PROTOCOL.md'

switch (process.argv[2]) {
  case 'copy':
    copyFileSync(new URL(`../${name}`, import.meta.url), name)
    break
  case 'remove':
    rmSync(name, { force: true })
    break
  default:
    throw new Error(`Unknown command ${process.argv[2]}: use copy or remove`)
}
