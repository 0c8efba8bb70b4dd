import fc from 'fast-check'
import { normalUri } from '../src/index.ts'

test('all percent-encodings of a URI have one normal form', () => {
  for (const [spelled, normal] of [
    ['note:///a b', 'note:///a%20b'],
    ['note:///%61%20b', 'note:///a%20b'],
    ['note:///caf\u00e9', 'note:///caf%C3%A9'],
    ['note:///caf%c3%a9', 'note:///caf%C3%A9'],
    ['note:///%7Eme%2dhere', 'note:///~me-here'],
    ['note:///{x}|"<>\\^`', 'note:///%7Bx%7D%7C%22%3C%3E%5C%5E%60'],
    ['note:///100%', 'note:///100%25'],
    ['note:///%4g', 'note:///%254g'],
    ['note:///\u{1f331}', 'note:///%F0%9F%8C%B1'],
    // The Kelvin sign, which folds to the letter k.
    ['note:///\u212a', 'note:///%E2%84%AA'],
    // Characters that mean something when they are not encoded.
    ['note:///a%2Fb', 'note:///a%2Fb'],
    ['note:///a/b', 'note:///a/b'],
    ["a:b?c=[1]&d=(2)!$'*+,;=:@#e", "a:b?c=[1]&d=(2)!$'*+,;=:@#e"],
    // No character at all: nothing to encode.
    ['note:///\ud800', 'note:///\ud800'],
    ['', ''],
  ] as const)
    expect(normalUri(spelled)).toBe(normal)
})

const text = fc.string({ unit: 'binary', maxLength: 12 })
const uris = fc
  .array(fc.oneof(text, fc.constantFrom('%', '%%3', '41', '%2', 'f', '%C3%A9', '%ff', '/', ' ')), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''))

test('a normal form is its own normal form', () => {
  fc.assert(fc.property(uris, (uri) => expect(normalUri(normalUri(uri))).toBe(normalUri(uri))))
})

test('a character and its encoding are the same, and say the same', () => {
  const spelling = fc.tuple(text, fc.array(fc.boolean()))
  fc.assert(
    fc.property(spelling, ([value, encode]) => {
      const characters = [...value].filter(
        (each) => !/[%:/?#[\]@!$&'()*+,;=]/.test(each) && !/\p{Cs}/u.test(each),
      )
      const spelled = characters.map((each, i) => (encode[i] === true ? escapesOf(each) : each)).join('')
      const normal = normalUri(spelled)
      expect(normal).toBe(normalUri(characters.join('')))
      expect(normal).toBe(normalUri(characters.map(escapesOf).join('')))
      expect(decodeURIComponent(normal)).toBe(characters.join(''))
    }),
  )
})

function escapesOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

test('a URI that fills a message stays as it is', () => {
  for (const part of ['%41', ' a', '"']) {
    const uri = `x:///${part.repeat(1_000_000)}`
    expect(normalUri(uri)).toBe(uri)
    const short = uri.slice(0, 65_536)
    expect(normalUri(short)).not.toBe(short)
  }
})
