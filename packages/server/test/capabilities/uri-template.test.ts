import { UriTemplate } from '../../src/capabilities/uri-template.ts'

const match = (template: string, uri: string) => {
  const variables = new UriTemplate(template).match(uri)
  return variables && { ...variables }
}

test('the table of operators of RFC 6570 is read backwards', () => {
  const x = '1024'
  const y = '768'
  for (const [template, uri, variables] of [
    // Section 1.2, and the examples of section 3.2 that can be told apart again.
    ['{var}', 'value', { var: 'value' }],
    ['{hello}', 'Hello%20World%21', { hello: 'Hello World!' }],
    ['{+var}', 'value', { var: 'value' }],
    ['{+hello}', 'Hello%20World!', { hello: 'Hello World!' }],
    ['{+path}/here', '/foo/bar/here', { path: '/foo/bar' }],
    ['here?ref={+path}', 'here?ref=/foo/bar', { path: '/foo/bar' }],
    ['X{#var}', 'X#value', { var: 'value' }],
    ['X{#hello}', 'X#Hello%20World!', { hello: 'Hello World!' }],
    ['map?{x,y}', 'map?1024,768', { x, y }],
    ['{x,hello,y}', '1024,Hello%20World%21,768', { x, hello: 'Hello World!', y }],
    ['{+x,hello,y}', '1024,Hello%20World!,768', { x, hello: 'Hello World!', y }],
    ['{#path,x}/here', '#/foo/bar,1024/here', { path: '/foo/bar', x }],
    ['X{.var}', 'X.value', { var: 'value' }],
    ['X{.x,y}', 'X.1024.768', { x, y }],
    ['{/var}', '/value', { var: 'value' }],
    ['{/var,x}/here', '/value/1024/here', { var: 'value', x }],
    ['{;x,y}', ';x=1024;y=768', { x, y }],
    ['{?x,y}', '?x=1024&y=768', { x, y }],
    ['{?x,y,empty}', '?x=1024&y=768&empty=', { x, y, empty: '' }],
    ['?fixed=yes{&x}', '?fixed=yes&x=1024', { x }],
    // Exploded lists.
    ['{list*}', 'red,green,blue', { list: ['red', 'green', 'blue'] }],
    ['{+list*}', 'red,green,blue', { list: ['red', 'green', 'blue'] }],
    ['X{.list*}', 'X.red.green.blue', { list: ['red', 'green', 'blue'] }],
    ['{/list*}', '/red/green/blue', { list: ['red', 'green', 'blue'] }],
    ['{?list*}', '?list=red&list=green', { list: ['red', 'green'] }],
    ['?a=1{&list*}', '?a=1&list=red&list=green', { list: ['red', 'green'] }],
  ] as const) {
    expect([template, match(template, uri)]).toEqual([template, variables])
  }
})

/** A string that counts how often it is looked at. */
function counted(text: string): { uri: string; looks: () => number } {
  let looks = 0
  const uri = new Proxy(new String(text), {
    get(target, key) {
      looks++
      const member: unknown = Reflect.get(target, key, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  return { uri: uri as unknown as string, looks: () => looks }
}

test('a URI that begins or ends otherwise takes a comparison', () => {
  const template = new UriTemplate('note:///{a}/{b}.md')
  for (const text of [`note://x/${'a/b'.repeat(2_000)}.md`, `note:///${'a/b'.repeat(2_000)}.mx`]) {
    const { uri, looks } = counted(text)
    expect(template.match(uri)).toBeUndefined()
    expect(looks()).toBeLessThan(20)
  }
})

test('a hostile URI takes work in proportion to its length', () => {
  const template = new UriTemplate('{a}a{b}a{c}a{d}a{+e}a{/f*}a{g}b')
  const work = (length: number) => {
    // It has all literals of the template, or a comparison would be all the work.
    const { uri, looks } = counted(`${'a'.repeat(length - 6)}/a??ab`)
    expect(template.match(uri)).toBeUndefined()
    return looks()
  }
  const [once, twice, most] = [work(2_048), work(4_096), work(8_192)]
  expect(once).toBeGreaterThan(2_048)
  expect(twice).toBeLessThan(2.01 * once)
  expect(most).toBeLessThan(2.01 * twice)
})

test('a URI that is longer than any of ours is not looked at', () => {
  const template = new UriTemplate('note:{name}')
  expect(template.match(`note:${'x'.repeat(8_192 - 5)}`)).toBeDefined()
  const { uri, looks } = counted(`note:${'x'.repeat(100_000)}`)
  expect(template.match(uri)).toBeUndefined()
  expect(looks()).toBe(1)
})

test('a value cannot lead a handler out of its folder', () => {
  for (const uri of [
    'note:..',
    'note:.',
    'note:%2e%2e',
    'note:%2E.',
    'note:a%2f..%2fb',
    'note:..%5cb',
    'note:a%00b',
    'note:a\0b',
  ])
    expect([uri, match('note:{name}', uri)]).toEqual([uri, undefined])
  expect(match('file:///{+path}', 'file:///a/../b')).toBeUndefined()
  expect(match('file://{/path*}', 'file:///a/%2e%2e/b')).toBeUndefined()
  expect(match('note:{?name}', 'note:?name=../b')).toBeUndefined()
  expect(match('note:{?name}', 'note:?name=%2e%2e')).toBeUndefined()
  expect(match('note:{name}', 'note:...')).toEqual({ name: '...' })
  expect(match('note:{name}', 'note:a..b')).toEqual({ name: 'a..b' })
  expect(match('note:{name}', 'note:%252e%252e')).toEqual({ name: '%2e%2e' })
})

test('a URI with a malformed escape sequence is no URI', () => {
  for (const escape of ['%', '%2', '%zz', '%ff', '%c3', '%ed%a0%80', '100%'])
    for (const [template, uri] of [
      ['note:{name}', `note:${escape}`],
      ['note:{+name}', `note:${escape}`],
      ['note:{/names*}', `note:/a/${escape}`],
      ['note:{?name}', `note:?name=${escape}`],
    ] as const)
      expect([uri, match(template, uri)]).toEqual([uri, undefined])
})

test('a plain variable stops where the next part of a URI begins', () => {
  expect(match('note:///{name}', 'note:///a')).toEqual({ name: 'a' })
  for (const uri of [
    'note:///',
    'note:///a/b',
    'note:///a?b',
    'note:///a#b',
    'note:///a,b',
    'note://a',
    'Note:///a',
  ])
    expect([uri, match('note:///{name}', uri)]).toEqual([uri, undefined])
  expect(match('note:///{name}', 'note:///a%2Fb%3Fc%23d%2Ce')).toEqual({ name: 'a/b?c#d,e' })
  expect(match('{a}.{b}', '1.2.3')).toEqual({ a: '1.2', b: '3' })
})

test('a query matches in any order, among other parameters, and may be absent', () => {
  const template = 'search:{?q,page}'
  expect(match(template, 'search:')).toEqual({})
  expect(match(template, 'search:?')).toEqual({})
  expect(match(template, 'search:?page=2&utm=x&q=a%20b')).toEqual({ q: 'a b', page: '2' })
  expect(match(template, 'search:?q')).toEqual({ q: '' })
  expect(match(template, 'search:?q=a=b+c')).toEqual({ q: 'a=b+c' })
  expect(match(template, 'search:?q=a#b')).toBeUndefined()
  expect(match(template, 'search:&q=a')).toBeUndefined()
})

test('what is fixed in a query must be there', () => {
  const template = 'search:?v=2&lang=en{&q}'
  expect(match(template, 'search:?v=2&lang=en')).toEqual({})
  expect(match(template, 'search:?lang=en&q=a&v=2')).toEqual({ q: 'a' })
  for (const uri of ['search:', 'search:?v=2', 'search:?v=2&lang=de&q=a', 'search:?v=22&lang=en'])
    expect([uri, match(template, uri)]).toEqual([uri, undefined])
})

test('a variable may have any name', () => {
  expect(Object.keys(new UriTemplate('{__proto__}').match('x')!)).toEqual(['__proto__'])
  expect(match('{constructor}{?toString}', 'x')).toEqual({ constructor: 'x' })
  expect(new UriTemplate('a{/b,c*}{.d.e}{?f}').names).toEqual(['b', 'c', 'd.e', 'f'])
})

test('a template that cannot be read backwards is refused, by name', () => {
  for (const template of [
    'note:{name',
    'note:name}',
    'note:{{name}}',
    'note:{}',
    'note:{na me}',
    'note:{a,,b}',
    'note:{name:3}',
    'note:{;names*}',
    'note:{=name}',
    'note:{|name}',
    'note:{name}{?q}#x',
    'note:{name}{?q}{#x}',
    'note:{&q}',
    'note:?a={b}{&q}',
  ])
    expect(() => new UriTemplate(template)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(template) }),
    )
})
