export default {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '@swc/jest' },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironmentOptions: { customExportConditions: ['@tidings/source', 'node', 'node-addons'] },
  setupFilesAfterEnv: [new URL('jest.setup.base.js', import.meta.url).pathname],
}
