import { isRevision, latestRevision, negotiateRevision, revisions } from '../src/index.ts'

test('revisions are in the order of their dates, and the latest is the last', () => {
  expect([...revisions].sort()).toEqual(revisions)
  expect(revisions.at(-1)).toBe(latestRevision)
})

test('a revision that is spoken is the one agreed on', () => {
  for (const revision of revisions) {
    expect(isRevision(revision)).toBe(true)
    expect(negotiateRevision(revision)).toBe(revision)
  }
})

test('for any other the latest is offered', () => {
  for (const version of [
    '2024-10-07',
    '1999-01-01',
    '2099-01-01',
    '',
    'latest',
    '__proto__',
    'length',
    '0',
  ]) {
    expect(isRevision(version)).toBe(false)
    expect(negotiateRevision(version)).toBe(latestRevision)
  }
})
