import base from '../../jest.config.base.js'

export default {
  projects: [
    { ...base, displayName: 'node' },
    {
      ...base,
      displayName: 'fetch',
      // As elsewhere than in Node, where HTTP is by fetch.
      testEnvironmentOptions: { customExportConditions: ['@tidings/source', 'browser'] },
      testMatch: [
        '<rootDir>/test/**/{change-stream-keeper,connect,find-transport,http,input-required,leaks,notifications}.test.ts',
        '<rootDir>/test/**/{paired,reconnection,requests,stateless,streamable,watch}.test.ts',
        '<rootDir>/test/**/{bounded-questions,odd-answers,redirects}.test.ts',
      ],
    },
  ],
}
