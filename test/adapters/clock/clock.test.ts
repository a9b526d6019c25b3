import { expect, test } from '@jest/globals'
import { fixedClock } from '../../../adapters/clock/fixed-clock.ts'
import { systemClock } from '../../../adapters/clock/system-clock.ts'

test('the system clock is the time of the machine', () => {
  const before = Date.now()
  const now = systemClock.now()
  expect(now).toBeGreaterThanOrEqual(before)
  expect(now).toBeLessThanOrEqual(Date.now())
})

test('a fixed clock moves only when told', () => {
  const clock = fixedClock(100)
  expect(clock.now()).toBe(100)
  clock.advance(5)
  expect(clock.now()).toBe(105)
  clock.set(7)
  expect(clock.now()).toBe(7)
})
