import { describe, expect, test } from '@jest/globals'
import { compileExpression, type Type } from '../../../policy-lang/index.ts'

const text: Type = { kind: 'string' }
const claims: Type = {
  kind: 'record',
  fields: { email: { type: text, optional: true }, sub: { type: text, optional: false } },
}
const variables = { claims: { type: claims, optional: false } }
const said = (source: string, expected: Type = text) =>
  compileExpression(source, { variables }, expected).diagnostics.map((entry) => `${entry.code} ${entry.message}`)

describe('single expressions', () => {
  test('an expression of the expected type compiles', () => {
    expect(said('claims.email ?? claims.sub')).toEqual([])
    expect(compileExpression('claims.sub.lower', { variables }, text).expression).toMatchObject({
      kind: 'call',
      name: 'lower',
    })
  })

  test('absence, types, names and requests are checked as in policies', () => {
    expect(said('claims.email')).toEqual(['F3003 "claims.email" is optional and used unguarded'])
    expect(said('claims.sub.length')).toEqual(['F3001 String is wanted here, and this is Int'])
    expect(said('claims.name')[0]).toMatch(/^F2003 unknown member "name"/)
    expect(said('subject')).toEqual(['F3012 `subject` means nothing in this expression'])
    expect(said('claims.sub ==')).not.toEqual([])
  })
})
