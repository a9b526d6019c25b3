import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { sqlFunctions } from '../../../policy-lang/index.ts'

test('functions are those of the newest migration: whoever changes one adds a migration, and then this digest', () => {
  expect(createHash('sha256').update(sqlFunctions.join('\n')).digest('hex')).toBe('d4850204dac5d7a5b56cef594b905377cc5ad1a89e0bbc0244a97e5a6c051b0f')
})
