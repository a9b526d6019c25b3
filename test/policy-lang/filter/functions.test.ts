import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { sqlFunctions } from '../../../policy-lang/index.ts'

test('functions are those of the newest migration: whoever changes one adds a migration, and then this digest', () => {
  expect(createHash('sha256').update(sqlFunctions.join('\n')).digest('hex')).toBe(
    '7443dd3c5d58fdb5d5f5fd842348469c06b4f7ca1323f3a2c2ea5b9f4ed773c5',
  )
})
