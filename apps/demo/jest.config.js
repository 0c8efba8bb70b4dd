import base from '../../jest.config.base.js'

// Starting browsers and servers on a busy machine takes its time.
export default { ...base, testTimeout: 60_000 }
