import { ByteQuota, type Keeper } from '../src/byte-quota.ts'

const GiB = 1024 ** 3

/** A quota of bytes that is full, and a keeper who can do without some of them. */
function full(total: number, kept: number) {
  const quota = new ByteQuota('bytes', { total, perPrincipal: Infinity, perSession: Infinity })
  let has = kept
  const keeper: Keeper = {
    get keptSince() {
      return has > 0 ? 0 : Infinity
    },
    letGo() {
      quota.change(undefined, -has, -has)
      const gone = has
      has = 0
      return gone
    },
  }
  quota.keepers = () => [keeper]
  quota.change(undefined, total, kept)
  return quota
}

test.each([1, 2, 3, 4, 64])('a total of %s GiB: what is kept goes before anything is refused', (size) => {
  const quota = full(size * GiB, 1_000)
  expect(quota.reached(undefined, 10)).toBeUndefined()
  expect([quota.kept, quota.used]).toEqual([0, size * GiB - 1_000])
  expect(quota.reached(undefined, 1_001)).toBe('total')
})
