import { errorCodes, McpError, type McpServer, type ToolResult } from '@tidings/server'
import type { Logger } from 'pino'
import * as z from 'zod'
import { noteNameFault, noteUri } from './note-name.ts'
import { largestNote, type Note, NoteError, NotesFolder } from './notes-folder.ts'
import type { SharedState } from './shared-state.ts'

const name = z
  .string()
  .min(1)
  .max(100)
  .check((check) => {
    const message = noteNameFault(check.value)
    if (message) check.issues.push({ code: 'custom', message, input: check.value })
  })
  .meta({ title: 'Name of the note', description: 'The file name without .md' })

const text = z.string().max(largestNote).meta({ title: 'Text (Markdown)' })

/**
 * The Markdown files of a folder as `note:///{name}`. Editing a file announces an update of its resource, adding or
 * removing one announces the list. There are tools to write, append to and delete a note, and a prompt to summarize it.
 */
export async function notes(
  server: McpServer,
  path: string,
  { state, signal, logger }: { state: SharedState; signal: AbortSignal; logger: Logger },
): Promise<void> {
  // Each node sees the file, and one tells of it.
  const announce = async (what: string, { name, version }: Note, tell: () => void) => {
    try {
      await state.tellOnce(`${what} ${name} ${version}`, tell)
    } catch (error) {
      if (signal.aborted) return
      logger.error({ err: error, path, name }, 'a note has changed, and Redis does not say who tells of it')
      tell() // Twice is better than never.
    }
  }
  const folder = await NotesFolder.open(path, {
    signal,
    onChange: ({ added, removed, edited }) => {
      const listChanged = () => server.listChanged('resources')
      for (const note of added) void announce('added', note, listChanged)
      for (const note of removed) void announce('removed', note, listChanged)
      // A subscription outlives the file: a note that comes back is announced to its subscribers.
      for (const note of [...added, ...edited]) {
        void announce('changed', note, () => server.changed(noteUri(note.name)))
      }
    },
    onError: (error) => logger.error({ err: error, path }, 'the notes folder could not be read'),
  })
  const namesLike = (start: string) =>
    folder
      .list()
      .map((note) => note.name)
      .filter((known) => known.toLowerCase().startsWith(start.toLowerCase()))

  server.template(
    'note:///{name}',
    {
      name: 'note',
      title: 'Note',
      description: 'A Markdown file in the folder of notes',
      mimeType: 'text/markdown',
      list: async () => {
        // Another node may have told of a note that this one has not seen.
        await folder.look()
        return folder.list().map((note) => ({
          uri: noteUri(note.name),
          name: note.name,
          mimeType: 'text/markdown',
          size: note.size,
          annotations: { lastModified: note.modified.toISOString() },
        }))
      },
      complete: { name: namesLike },
    },
    (variables) => folder.read(String(variables.name)),
  )

  server.tool(
    'write_note',
    {
      title: 'Write a note',
      description: 'Creates a note, or replaces the note with this name.',
      input: z.object({ name, text }),
      annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    (note) =>
      attempt(async () => {
        await folder.write(note.name, note.text)
        return `Wrote ${noteUri(note.name)}`
      }),
  )

  server.tool(
    'append_note',
    {
      title: 'Append to a note',
      description: 'Adds a line to the end of a note, and creates the note when it is missing.',
      input: z.object({ name, text }),
      annotations: { destructiveHint: false, openWorldHint: false },
    },
    (note) =>
      attempt(async () => {
        await folder.append(note.name, `${note.text}\n`)
        return `Appended to ${noteUri(note.name)}`
      }),
  )

  server.tool(
    'delete_note',
    {
      title: 'Delete a note',
      description: 'Deletes the file of a note.',
      input: z.object({ name }),
      annotations: { destructiveHint: true, openWorldHint: false },
    },
    (note) =>
      attempt(async () => {
        await folder.remove(note.name)
        return `Deleted ${noteUri(note.name)}`
      }),
  )

  server.prompt(
    'summarize_note',
    {
      title: 'Summarize a note',
      description: 'Asks for a summary of a note in three sentences.',
      input: z.object({
        name: name.meta({ title: 'Note', description: 'The name of the note to summarize' }),
      }),
      complete: { name: namesLike },
    },
    async (note) => {
      const contents = await folder.read(note.name)
      if (contents === undefined) {
        throw new McpError(errorCodes.invalidParams, `There is no note named ${JSON.stringify(note.name)}`)
      }
      const resource = { uri: noteUri(note.name), mimeType: 'text/markdown', text: contents }
      return {
        messages: [
          { role: 'user', content: { type: 'resource', resource } },
          {
            role: 'user',
            content: { type: 'text', text: 'Summarize this note in at most three sentences.' },
          },
        ],
      }
    },
  )
}

/** A tool's result: what it did, or the reason that it could not. */
async function attempt(act: () => Promise<string>): Promise<ToolResult> {
  try {
    return { content: [{ type: 'text', text: await act() }] }
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    return { content: [{ type: 'text', text: error.message }], isError: true }
  }
}
