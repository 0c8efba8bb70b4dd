import base from '../../jest.config.base.js'

// Packing and installing take longer than a test may by default.
export default { ...base, testTimeout: 120_000 }
