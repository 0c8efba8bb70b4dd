import base from '../../jest.config.base.js'

export default {
  ...base,
  // Starting the servers of others on a busy machine takes its time.
  testTimeout: 30_000,
  // Most of the time is spent waiting for others.
  maxWorkers: 3,
  // Others print what they do.
  silent: true,
}
