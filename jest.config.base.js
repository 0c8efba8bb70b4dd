export default {
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '@swc/jest' },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironmentOptions: { customExportConditions: ['@tidings/source', 'node', 'node-addons'] },
}
