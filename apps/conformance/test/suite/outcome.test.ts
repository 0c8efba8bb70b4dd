import { type Check, faults } from '../../src/suite/outcome.ts'

const good: Check = { id: 'one', status: 'SUCCESS' }

function faultsOf(checks: Check[], problems: string[] = []): string[] {
  return faults({ scenario: 'any', checks, problems })
}

test('a scenario passes when something succeeded and nothing failed', () => {
  expect(faultsOf([good, { id: 'two', status: 'INFO' }, { id: 'three', status: 'SKIPPED' }])).toEqual([])
})

test('a failure and a warning each keep a scenario from passing', () => {
  const failure: Check = { id: 'two', status: 'FAILURE', errorMessage: 'not\n  so' }
  const warning: Check = { id: 'three', status: 'WARNING', description: 'should be so' }
  expect(faultsOf([good, failure, warning])).toEqual(['two: not so', 'warning of three: should be so'])
})

test('a scenario in which nothing was checked did not pass', () => {
  expect(faultsOf([])).toEqual(['nothing was checked'])
  expect(faultsOf([{ id: 'one', status: 'SKIPPED' }])).toEqual(['nothing was checked'])
})

test('what went wrong besides the checks keeps a scenario from passing', () => {
  expect(faultsOf([good], ['the client exited with status 1'])).toEqual(['the client exited with status 1'])
})
