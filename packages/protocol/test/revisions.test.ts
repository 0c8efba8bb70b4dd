import {
  isLegacyRevision,
  isModernRevision,
  isRevision,
  latestLegacyRevision,
  legacyRevisions,
  modernRevisions,
  negotiateRevision,
  revisions,
} from '../src/index.ts'

test('revisions are in the order of their dates, the legacy ones first, and the latest is the last of them', () => {
  expect([...revisions].sort()).toEqual(revisions)
  expect([...legacyRevisions, ...modernRevisions]).toEqual(revisions)
  expect(legacyRevisions.at(-1)).toBe(latestLegacyRevision)
})

test('a revision is of one era', () => {
  for (const revision of revisions) {
    expect(isRevision(revision)).toBe(true)
    expect(isLegacyRevision(revision)).toBe(!isModernRevision(revision))
    expect(isLegacyRevision(revision)).toBe(legacyRevisions.some((legacy) => legacy === revision))
  }
})

test('a legacy revision is the one agreed on', () => {
  for (const revision of legacyRevisions) expect(negotiateRevision(revision)).toBe(revision)
})

test('for a modern revision, which has no handshake, the latest that has one is offered', () => {
  for (const revision of modernRevisions) expect(negotiateRevision(revision)).toBe(latestLegacyRevision)
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
    expect(isLegacyRevision(version) || isModernRevision(version)).toBe(false)
    expect(negotiateRevision(version)).toBe(latestLegacyRevision)
  }
})
