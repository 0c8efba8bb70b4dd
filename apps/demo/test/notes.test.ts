import { appendFile, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Client } from '@tidings/client'
import { heardListChange, heardUpdate, readText } from './heard.ts'
import { runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let client: Client

beforeEach(async () => {
  demo = await runDemo()
  client = await connect(`${demo.url}/sse`)
})

afterEach(async () => {
  await client.close()
  await demo[Symbol.asyncDispose]()
})

/** Puts a file into the folder and waits until it is listed and subscribed to. */
async function addNote(name: string, text: string) {
  const listed = heardListChange(client)
  await writeFile(join(demo.notes, `${name}.md`), text)
  await listed
  await client.subscribe(`note:///${name}`)
}

async function noteUris() {
  const uris = (await client.listResources()).map((resource) => resource.uri)
  return uris.filter((uri) => uri.startsWith('note:'))
}

async function said(tool: string, args: Record<string, unknown>) {
  const { content, isError } = await client.callTool(tool, args)
  return { text: content[0]?.type === 'text' ? String(content[0].text) : '', isError: isError === true }
}

test('a file that is saved reaches its subscriber', async () => {
  await addNote('plan', '# Plan\n')
  const heard = heardUpdate(client, 'note:///plan')
  await appendFile(join(demo.notes, 'plan.md'), 'Water the beds.\n')
  await heard
  expect(await readText(client, 'note:///plan')).toBe('# Plan\nWater the beds.\n')
})

test('a file that an editor saves beside and renames reaches its subscriber, each time', async () => {
  await addNote('plan', 'first')
  for (const text of ['second', 'third', 'fourth']) {
    const heard = heardUpdate(client, 'note:///plan')
    await writeFile(join(demo.notes, 'plan.md~'), text)
    await rename(join(demo.notes, 'plan.md~'), join(demo.notes, 'plan.md'))
    await heard
    expect(await readText(client, 'note:///plan')).toBe(text)
  }
})

test('a file that is changed as soon as it is there reaches its subscriber', async () => {
  await client.subscribe('note:///plan')
  await said('write_note', { name: 'plan', text: 'first' })
  const heard = heardUpdate(client, 'note:///plan')
  await appendFile(join(demo.notes, 'plan.md'), ' second')
  await heard
  expect(await readText(client, 'note:///plan')).toBe('first second')
})

test('adding and removing a file announces the list, and a name is encoded in the URI', async () => {
  const added = heardListChange(client)
  await writeFile(join(demo.notes, 'To do (today), café.md'), 'Sow.')
  await added
  expect(await noteUris()).toEqual(['note:///To%20do%20%28today%29%2C%20caf%C3%A9'])
  expect(await readText(client, 'note:///To%20do%20%28today%29%2C%20caf%C3%A9')).toBe('Sow.')

  const removed = heardListChange(client)
  await rm(join(demo.notes, 'To do (today), café.md'))
  await removed
  expect(await noteUris()).toEqual([])
})

test('a note is written, appended to and deleted by tools, and its subscriber is told', async () => {
  await client.subscribe('note:///list')
  const made = heardUpdate(client, 'note:///list')
  expect(await said('write_note', { name: 'list', text: 'Milk\n' })).toEqual({
    text: 'Wrote note:///list',
    isError: false,
  })
  await made
  const grown = heardUpdate(client, 'note:///list')
  await said('append_note', { name: 'list', text: 'Bread' })
  await grown
  expect(await readText(client, 'note:///list')).toBe('Milk\nBread\n')
  expect(await readdir(demo.notes)).toEqual(['list.md'])

  await said('delete_note', { name: 'list' })
  expect(await noteUris()).toEqual([])
  await expect(client.readResource('note:///list')).rejects.toThrow('Resource not found: note:///list')
  expect(await said('delete_note', { name: 'list' })).toEqual({
    text: 'There is no note named "list".',
    isError: true,
  })
})

test('a name cannot leave the folder', async () => {
  const names = [
    '../outside',
    '..',
    '/etc/outside',
    'a/b',
    'a\\b',
    'a\0b',
    '.hidden',
    'a\nb',
    'x'.repeat(101),
    '',
  ]
  for (const name of names) {
    for (const tool of ['write_note', 'append_note', 'delete_note']) {
      const args = tool === 'delete_note' ? { name } : { name, text: 'out' }
      expect(await said(tool, args)).toEqual({
        text: expect.stringContaining('name: ') as string,
        isError: true,
      })
    }
    const uri = `note:///${encodeURIComponent(name)}`
    await expect(client.readResource(uri)).rejects.toThrow('Resource not found')
  }
  expect(await readdir(demo.notes)).toEqual([])
})

test('a symbolic link is no note, and nothing is written through it', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'tidings-elsewhere-'))
  const secret = join(elsewhere, 'secret.md')
  await writeFile(secret, 'secret')
  await symlink(secret, join(demo.notes, 'link.md'))
  await addNote('beside', 'here')
  expect(await noteUris()).toEqual(['note:///beside'])
  await expect(client.readResource('note:///link')).rejects.toThrow('Resource not found')
  for (const tool of ['write_note', 'append_note']) {
    expect(await said(tool, { name: 'link', text: 'changed' })).toEqual({
      text: 'link.md is not a plain file, so it is left alone.',
      isError: true,
    })
  }
  expect(await readFile(secret, 'utf8')).toBe('secret')
  await rm(elsewhere, { recursive: true })
})

test('the prompt holds the note, and its name is completed', async () => {
  await addNote('garden', '# Garden')
  await addNote('garage', '# Garage')
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: 'summarize_note' },
    argument: { name: 'name', value: 'GARD' },
  })
  expect(completion.values).toEqual(['garden'])
  const { messages } = await client.getPrompt('summarize_note', { name: 'garden' })
  expect(messages[0]?.content).toMatchObject({ type: 'resource', resource: { text: '# Garden' } })
  await expect(client.getPrompt('summarize_note', { name: 'none' })).rejects.toThrow('no note named "none"')
})
