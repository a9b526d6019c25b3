import { describe, expect, test } from '@jest/globals'
import { diagnosticsToJson, renderDiagnostics } from '../../../policy-lang/index.ts'
import { codes, diagnostic } from '../../../policy-lang/source/codes.ts'
import { suggest } from '../../../policy-lang/source/suggest.ts'

const source = { id: 3, path: 'drive.fbac', text: 'first\n\twhen 😀 ownr\nlast' }
const ownr = { file: 3, start: 15, end: 19 }
const problem = diagnostic('F1021', ownr, 'unexpected `ownr`', {
  notes: [{ message: 'the first stands here', span: { file: 3, start: 0, end: 5 } }],
  help: 'did you mean `owner`?',
})

describe('diagnostics for people', () => {
  test('show the line, the span, notes and help', () => {
    expect(renderDiagnostics([problem], [source])).toBe(`error[F1021]: unexpected \`ownr\`
 --> drive.fbac:2:9
  |
2 |  when 😀 ownr
  |         ^^^^
  = note: the first stands here (drive.fbac:1:1)
  = help: did you mean \`owner\`?
`)
  })

  test('stand in order of place, and say how many are left out', () => {
    const early = diagnostic('F1010', { file: 3, start: 0, end: 1 }, 'early')
    const text = renderDiagnostics([problem, early], [source], { limit: 1 })
    expect(text).toContain('early')
    expect(text).toContain('… and 1 more')
    expect(text).not.toContain('ownr')
  })

  test('never pass controls of the policy text to the terminal', () => {
    const hostile = { id: 0, path: 'x', text: 'a\u001b[31mb\u202ec' }
    const text = renderDiagnostics([diagnostic('F1002', { file: 0, start: 1, end: 2 }, 'control')], [hostile])
    expect(text).toContain('a·[31mb·c')
    expect(text).not.toContain('\u001b')
  })

  test('colour only where it is asked for', () => {
    expect(renderDiagnostics([problem], [source], { color: true })).toContain('\u001b[1;31merror[F1021]')
  })

  test('show a window of a long line', () => {
    const long = { id: 0, path: 'x', text: 'a'.repeat(10_000) }
    const text = renderDiagnostics([diagnostic('F1021', { file: 0, start: 5000, end: 5001 }, 'here')], [long])
    expect(text.length).toBeLessThan(500)
    expect(text).toContain('x:1:5001')
  })
})

describe('diagnostics for programs', () => {
  test('carry lines and columns from 1, in code points', () => {
    expect(diagnosticsToJson([problem], [source])).toEqual([
      {
        code: 'F1021',
        severity: 'error',
        message: 'unexpected `ownr`',
        path: 'drive.fbac',
        start: { line: 2, column: 9 },
        end: { line: 2, column: 13 },
        notes: [{ message: 'the first stands here', path: 'drive.fbac', start: { line: 1, column: 1 } }],
        help: 'did you mean `owner`?',
      },
    ])
  })
})

describe('codes', () => {
  test('are F and four digits, each with one sentence', () => {
    for (const [code, { title }] of Object.entries(codes)) {
      expect(code).toMatch(/^F[1-9]\d{3}$/)
      expect(title).toMatch(/\.$/)
    }
  })
})

describe('suggestions', () => {
  test.each([
    ['ownr', ['viewer', 'owner'], 'owner'],
    ['wehn', ['when', 'then'], 'when'],
    ['Owner', ['owner', 'ownes'], 'owner'],
    ['xyz', ['owner'], undefined],
    ['a', ['b'], 'b'],
    ['owner', ['owner'], undefined],
  ])('%s among %j is %s', (name, candidates, expected) => {
    expect(suggest(name, candidates)).toBe(expected)
  })

  test('do not depend on the order of candidates', () => {
    expect(suggest('cat', ['car', 'bat'])).toBe(suggest('cat', ['bat', 'car']))
  })
})
