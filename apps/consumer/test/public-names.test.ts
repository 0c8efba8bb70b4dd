import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { declaredNames } from './declared-names.ts'

// Everything that a published declaration file declares is in the public types, exported or not, and to change it breaks
// somebody. So the names are listed in test/public-names, one file for each entry. After a change of the public types
// that is meant:
//
//   pnpm build && pnpm --filter @tidings/consumer public-names

/** An entry of a package, such as `@tidings/protocol/client`. */
interface Entry {
  name: string
  /** Its declarations: for ES modules, and for CommonJS. */
  forms: Form[]
}

interface Form {
  file: string
  /** The same of the package's other entries. */
  siblings: string[]
}

interface Manifest {
  publishConfig: { exports: Record<string, string | Record<string, { types: string }>> }
}

const folder = (path: string) => new URL(`../../../packages/${path}`, import.meta.url).pathname

const entries = ['protocol', 'server', 'redis', 'client'].flatMap((name): Entry[] => {
  const manifest = JSON.parse(readFileSync(folder(`${name}/package.json`), 'utf8')) as Manifest
  const all = Object.entries(manifest.publishConfig.exports).flatMap(([path, conditions]) =>
    typeof conditions === 'string' ? [] : [{ path, conditions }],
  )
  return all.map(({ path, conditions }) => ({
    name: `@tidings/${name}${path.slice(1)}`,
    forms: Object.keys(conditions).map((condition) => {
      const file = folder(`${name}/${conditions[condition]!.types}`)
      const files = all.map(({ conditions }) => folder(`${name}/${conditions[condition]!.types}`))
      return { file, siblings: files.filter((other) => other !== file) }
    }),
  }))
})

test.each(entries)('$name declares the names that are listed, and no others', async ({ name, forms }) => {
  const list = new URL(`public-names/${name.split('/').slice(1).join('-')}.txt`, import.meta.url)
  const [first, ...others] = await Promise.all(
    forms.map(({ file, siblings }) => declaredNames(file, siblings)),
  )
  for (const other of others) expect(other).toEqual(first)
  if (process.env.WRITE_PUBLIC_NAMES) {
    await mkdir(new URL('.', list), { recursive: true })
    await writeFile(list, `${first!.join('\n')}\n`)
  }
  const listed = existsSync(list) ? (await readFile(list, 'utf8')).trim().split('\n') : []
  expect(first).toEqual(listed)
})
