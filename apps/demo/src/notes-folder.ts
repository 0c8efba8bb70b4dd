import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import {
  appendFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { watch } from 'chokidar'
import { noteNameFault } from './note-name.ts'

/** A Markdown file in the folder. `version` is a different string after each change of the file. */
export interface Note {
  name: string
  size: number
  modified: Date
  version: string
}

/** The notes that were added, removed and edited between two looks at the folder. */
export interface NoteChanges {
  added: Note[]
  removed: Note[]
  edited: Note[]
}

/** A request that cannot be carried out, with the reason in words for a person. */
export class NoteError extends Error {}

/** The size of the largest note that is written or read, in bytes. */
export const largestNote = 1024 * 1024

// An editor saves in several steps (truncate and write, or write beside and rename): wait for the last one.
const settleMs = 30
// chokidar announces a new file before it watches it, so a second look catches a change made in between.
const watchedMs = 300

/**
 * A folder whose `*.md` files are notes. Only plain files directly in it are: no subfolders, and no symbolic
 * links, which could lead out of it. What changed is found by comparing the folder with how it was; the file
 * system's events only say when to look. So no way of saving a file, however odd, can hide a change.
 */
export class NotesFolder {
  readonly path: string
  #notes = new Map<string, Note>()
  #looking: Promise<void> = Promise.resolve()
  readonly #onChange: (changes: NoteChanges) => void

  private constructor(path: string, onChange: (changes: NoteChanges) => void) {
    this.path = path
    this.#onChange = onChange
  }

  /** Opens the folder `path`, creates it when missing, and watches it until `signal` aborts. Throws for a file. */
  static async open(
    path: string,
    options: {
      signal: AbortSignal
      onChange: (changes: NoteChanges) => void
      onError: (error: unknown) => void
    },
  ): Promise<NotesFolder> {
    await mkdir(path, { recursive: true })
    const folder = new NotesFolder(await realpath(path), options.onChange)

    const looks = new Map<number, NodeJS.Timeout>()
    const lookIn = (ms: number) => {
      if (looks.has(ms)) return
      const look = () => {
        looks.delete(ms)
        folder.look().catch(options.onError)
      }
      looks.set(ms, setTimeout(look, ms))
    }
    const watcher = watch(folder.path, { ignoreInitial: true, depth: 0, followSymlinks: false })
    watcher.on('error', options.onError)
    watcher.on('all', () => {
      lookIn(settleMs)
      lookIn(watchedMs)
    })
    options.signal.addEventListener('abort', () => {
      for (const look of looks.values()) clearTimeout(look)
      watcher.close().catch(options.onError)
    })
    await new Promise<void>((resolve) => watcher.once('ready', resolve))
    folder.#notes = await folder.#readNotes()
    return folder
  }

  /** The notes, by name. */
  list(): Note[] {
    return [...this.#notes.values()].sort((a, b) => a.name.localeCompare(b.name))
  }

  /** The text of a note, undefined when no note has this name. Throws a NoteError when it is too large. */
  async read(name: string): Promise<string | undefined> {
    // Another node may have told of a note that this one has not seen.
    if (!this.#notes.has(name)) await this.look()
    if (!this.#notes.has(name)) return undefined
    await this.#checkSize(name, 0)
    const flag = constants.O_RDONLY | constants.O_NOFOLLOW
    return readFile(this.#file(name), { encoding: 'utf8', flag }).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
  }

  /** Creates or replaces a note: a reader sees the old text or the new one, never a mixture. Throws a NoteError. */
  async write(name: string, text: string): Promise<void> {
    await this.#fileSize(name)
    const draft = join(this.path, `.${randomUUID()}.tmp`)
    try {
      await writeFile(draft, text, { flag: 'wx' })
      await rename(draft, this.#file(name))
    } finally {
      await rm(draft, { force: true })
    }
    await this.look()
  }

  /** Adds to the end of a note, and creates it when missing. Throws a NoteError. */
  async append(name: string, text: string): Promise<void> {
    await this.#checkSize(name, Buffer.byteLength(text))
    const flag = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
    await appendFile(this.#file(name), text, { flag })
    await this.look()
  }

  /** Deletes a note. Throws a NoteError when no note has this name. */
  async remove(name: string): Promise<void> {
    if (!this.#notes.has(name)) await this.look()
    if (!this.#notes.has(name)) throw new NoteError(`There is no note named ${JSON.stringify(name)}.`)
    await rm(this.#file(name), { force: true })
    await this.look()
  }

  /** Compares the folder with its last state and reports the difference. One look at a time. */
  async look(): Promise<void> {
    const look = this.#looking.then(async () => {
      const before = this.#notes
      const now = await this.#readNotes()
      this.#notes = now
      const changes: NoteChanges = {
        added: [...now.values()].filter(({ name }) => !before.has(name)),
        removed: [...before.values()].filter(({ name }) => !now.has(name)),
        edited: [...now.values()].filter(
          ({ name, version }) => before.has(name) && before.get(name)?.version !== version,
        ),
      }
      if (changes.added.length + changes.removed.length + changes.edited.length > 0) this.#onChange(changes)
    })
    this.#looking = look.catch(() => {}) // the caller gets the failure, and the next look still runs
    await look
  }

  async #readNotes(): Promise<Map<string, Note>> {
    const notes = new Map<string, Note>()
    for (const entry of await readdir(this.path, { withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.md')) continue
      const name = entry.name.slice(0, -'.md'.length)
      if (noteNameFault(name)) continue
      try {
        const { ino, size, mtimeNs, mtime } = await lstat(this.#file(name), { bigint: true })
        notes.set(name, { name, size: Number(size), modified: mtime, version: `${ino} ${size} ${mtimeNs}` })
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
    return notes
  }

  async #checkSize(name: string, added: number): Promise<void> {
    const size = (await this.#fileSize(name)) + added
    if (size > largestNote)
      throw new NoteError(`A note has at most ${largestNote} bytes, ${name} has ${size}.`)
  }

  /** The size of a note's file, 0 when it is missing. Throws when its name belongs to anything but a plain file. */
  async #fileSize(name: string): Promise<number> {
    const fault = noteNameFault(name)
    if (fault) throw new NoteError(fault)
    try {
      const stats = await lstat(this.#file(name))
      if (!stats.isFile()) throw new NoteError(`${name}.md is not a plain file, so it is left alone.`)
      return stats.size
    } catch (error) {
      if (isMissing(error)) return 0
      throw error
    }
  }

  #file(name: string): string {
    return join(this.path, `${name}.md`)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
