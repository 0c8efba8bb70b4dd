import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import type { makeSchemaForm, ObjectSchema, SchemaForm } from '../src/page/schema-form.ts'
import { launchBrowser } from './browser.ts'

declare global {
  interface Window {
    forms: { makeSchemaForm: typeof makeSchemaForm }
    form: SchemaForm
  }
}

let browser: Browser
let page: Page
let script: string

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [new URL('../src/page/schema-form.ts', import.meta.url).pathname],
    bundle: true,
    format: 'iife',
    globalName: 'forms',
    write: false,
  })
  script = outputFiles[0]?.text ?? ''
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser?.close()
})

beforeEach(async () => {
  page = await browser.newPage()
  await page.addScriptTag({ content: script })
})

afterEach(async () => {
  await page.close()
})

async function show(schema: ObjectSchema) {
  await page.evaluate((schema) => {
    window.form = window.forms.makeSchemaForm(schema)
    document.body.replaceChildren(window.form.element)
  }, schema)
}

const read = () => page.evaluate(() => window.form.read())
const isValid = () => page.evaluate(() => window.form.element.checkValidity())

test('each kind of property has its control, and gives a value of its type', async () => {
  await show({
    properties: {
      name: { type: 'string', title: 'Your name' },
      story: { type: 'string', maxLength: 5000 },
      mail: { type: 'string', format: 'email' },
      age: { type: 'integer', minimum: 0 },
      height: { type: 'number' },
      member: { type: 'boolean' },
      size: { type: 'string', enum: ['s', 'm', 'l'], enumNames: ['Small', 'Medium', 'Large'] },
      color: {
        type: 'string',
        oneOf: [
          { const: '#f00', title: 'Red' },
          { const: '#0f0', title: 'Green' },
        ],
      },
      days: { type: 'array', items: { type: 'string', enum: ['mon', 'tue', 'wed'] } },
      place: { type: 'object' },
    },
    required: ['name'],
  })
  await page.getByLabel('Your name').fill('Ada')
  await page.getByLabel('story').fill('one\ntwo')
  await page.getByLabel('mail').fill('ada@example.com')
  await page.getByLabel('age').fill('36')
  await page.getByLabel('height').fill('1.65')
  await page.getByLabel('member').check()
  await page.getByLabel('size').selectOption('Medium')
  await page.getByLabel('color').selectOption('Green')
  await page.getByLabel('days').selectOption(['mon', 'wed'])
  await page.getByLabel('place').fill('{"city": "London"}')
  expect(await isValid()).toBe(true)
  expect(await read()).toEqual({
    name: 'Ada',
    story: 'one\ntwo',
    mail: 'ada@example.com',
    age: 36,
    height: 1.65,
    member: true,
    size: 'm',
    color: '#0f0',
    days: ['mon', 'wed'],
    place: { city: 'London' },
  })
})

test('defaults are filled in, and what is left empty is left out', async () => {
  await show({
    properties: {
      count: { type: 'integer', default: 1000 },
      note: { type: 'string' },
      size: { type: 'string', enum: ['s', 'm'] },
      wide: { type: 'boolean', default: true },
      days: { type: 'array', items: { anyOf: [{ const: 'mon', title: 'Monday' }] }, default: ['mon'] },
    },
  })
  expect(await read()).toEqual({ count: 1000, wide: true, days: ['mon'] })
})

test('a required text may be empty, unless its schema says otherwise', async () => {
  await show({ properties: { text: { type: 'string' } }, required: ['text'] })
  expect(await isValid()).toBe(true)
  expect(await read()).toEqual({ text: '' })
  for (const schema of [
    { type: 'string', minLength: 1 },
    { type: 'string', format: 'date-time' },
    { type: 'integer' },
    { type: 'string', enum: ['a'], title: 'Choose' },
  ]) {
    await show({ properties: { value: schema }, required: ['value'] })
    expect(await isValid()).toBe('enum' in schema)
  }
})

test('numbers out of range and with a fraction are not valid', async () => {
  await show({ properties: { seconds: { type: 'integer', minimum: 1, maximum: 600 } } })
  for (const [text, valid] of [
    ['0', false],
    ['601', false],
    ['1.5', false],
    ['600', true],
  ] as const) {
    await page.getByLabel('seconds').fill(text)
    expect(await isValid()).toBe(valid)
  }
})

test('a description says what a field is for, also to who cannot see', async () => {
  await show({ properties: { name: { type: 'string', description: 'The file name without .md' } } })
  const field = page.getByLabel('name')
  const hint = await field.getAttribute('aria-describedby')
  expect(await page.locator(`#${hint}`).innerText()).toBe('The file name without .md')
})
