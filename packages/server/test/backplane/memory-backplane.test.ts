import { MemoryBackplane } from '../../src/index.ts'
import { backplaneContract } from '../../src/backplane-contract/index.ts'
import { DelayedBackplane } from './delayed-backplane.ts'

// 25,000 publishes take their time on a busy machine.
import.meta.jest.setTimeout(30_000)

backplaneContract('MemoryBackplane', async () => {
  const backplane = new MemoryBackplane()
  return { connect: async () => backplane, close: async () => {} }
})

// The contract can be kept from another process.
backplaneContract(
  'MemoryBackplane, somewhere else,',
  async () => {
    const store = new MemoryBackplane()
    return { connect: async () => new DelayedBackplane(store), close: async () => {} }
  },
  { runs: 20 },
)
