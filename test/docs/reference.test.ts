import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { errorsPage, generateErrors } from './generate-errors.ts'
import { generateReference, referencePage } from './generate-reference.ts'

test('docs/policies/reference.md says what the compiler says: node launch.mjs test/docs/generate-reference.ts', () => {
  expect(readFileSync(referencePage, 'utf8')).toBe(generateReference())
})

test('docs/errors.md has every refusal code, each once: node launch.mjs test/docs/generate-reference.ts', async () => {
  const page = await generateErrors()
  expect(readFileSync(errorsPage, 'utf8')).toBe(page)
  const codes = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)
  expect(codes).toContain('outdated_page_token')
  expect(new Set(codes).size).toBe(codes.length)
})
