import { rejection } from '../src/rejection.ts'
import { until } from '../src/until.ts'

const { jest } = import.meta

test('it resolves when the condition holds, at once if it does already', async () => {
  let looks = 0
  await until(() => ++looks > 0, 'never')
  expect(looks).toBe(1)
  await until(async () => ++looks === 4, 'never')
  expect(looks).toBe(4)
})

test('after the deadline it throws what is missing at that moment', async () => {
  let looks = 0
  const never = () => {
    looks++
    return false
  }
  await expect(until(never, 'the answer has not come', 20)).rejects.toThrow(
    'After 0.02 s: the answer has not come',
  )
  looks = 0
  const thrown = await rejection(until(never, () => `looked ${looks} times`, 20))
  expect(looks).toBeGreaterThan(1)
  expect(thrown.message).toBe(`After 0.02 s: looked ${looks} times`)
})

test('what the condition throws is thrown at once', async () => {
  const looks = jest.fn(() => {
    throw new Error('the server exited')
  })
  await expect(until(looks, 'the answer has not come')).rejects.toThrow('the server exited')
  expect(looks).toHaveBeenCalledTimes(1)
})

test('the fake timers of a test do not reach it', async () => {
  jest.useFakeTimers()
  try {
    let looks = 0
    await until(() => ++looks > 5, 'never')
    await expect(until(() => false, 'it is late', 20)).rejects.toThrow('it is late')
  } finally {
    jest.useRealTimers()
  }
})
