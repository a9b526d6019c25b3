import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { generateReference, referencePage } from './generate-reference.ts'

test('docs/policies/reference.md says what the compiler says: node launch.mjs test/docs/generate-reference.ts', () => {
  expect(readFileSync(referencePage, 'utf8')).toBe(generateReference())
})
