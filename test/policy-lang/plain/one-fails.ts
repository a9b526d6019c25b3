import { describe, expect, test } from '@jest/globals'

// Run by without-code-generation.test.ts, which expects the second to fail.
describe('outer', () => {
  test.each([[1], [2]])('two', (value) => expect(value).toBe(1))
  test('three', () => expect({ a: 1 }).toMatchObject({ a: expect.any(Number) }))
})
