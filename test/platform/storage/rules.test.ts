import { describe, expect, test } from '@jest/globals'
import {
  allowsPart,
  dispositionOf,
  hasContent,
  judgeWriteConditions,
  keyProblem,
  readContentDigest,
  readContentType,
  readRange,
} from '../../../platform/storage/rules.ts'

describe('keys (modules.md §4)', () => {
  test.each(['a', 'a/b/c.txt', '보고서/2026.pdf', 'with space', 'dots.in..name', '...', 'é', 'a'.repeat(1024)])(
    'takes %j',
    (key) => expect(keyProblem(key)).toBeUndefined(),
  )
  test.each([
    ['', 'empty'],
    ['..', 'segment'],
    ['../etc/passwd', 'segment'],
    ['a/../b', 'segment'],
    ['a/./b', 'segment'],
    ['/a', 'segment'],
    ['a/', 'segment'],
    ['a//b', 'segment'],
    ['a\\b', 'character'],
    ['..\\..\\x', 'character'],
    ['a\u0000b', 'character'],
    ['a\nb', 'character'],
    ['a\u007fb', 'character'],
    ['a\u202eb', 'character'],
    ['a\ud800b', 'character'],
    ['e\u0301', 'normalization'],
    ['a'.repeat(1025), 'long'],
    ['가'.repeat(342), 'long'],
  ])('refuses %j', (key, problem) => expect(keyProblem(key)).toBe(problem))
})

describe('Range (RFC 9110 §14)', () => {
  test.each([
    [undefined, { kind: 'whole' }],
    ['bytes=0-4', { kind: 'part', start: 0, end: 4 }],
    ['bytes=5-', { kind: 'part', start: 5, end: 9 }],
    ['bytes=-5', { kind: 'part', start: 5, end: 9 }],
    ['bytes=-50', { kind: 'part', start: 0, end: 9 }],
    ['bytes=9-100', { kind: 'part', start: 9, end: 9 }],
    ['bytes=10-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=5-4', { kind: 'whole' }],
    ['bytes=-', { kind: 'whole' }],
    ['bytes=0-1,3-4', { kind: 'whole' }],
    ['lines=0-1', { kind: 'whole' }],
    ['bytes=a-b', { kind: 'whole' }],
  ])('%j of ten bytes', (header, answer) => expect(readRange(header, 10)).toEqual(answer))

  test('no range of an empty object can be satisfied', () => {
    expect(readRange('bytes=0-', 0)).toEqual({ kind: 'unsatisfiable' })
    expect(readRange('bytes=-1', 0)).toEqual({ kind: 'unsatisfiable' })
  })

  test('If-Range compares strongly with one entity tag (§13.1.5)', () => {
    expect(allowsPart(undefined, 'aa')).toBe(true)
    expect(allowsPart('"aa"', 'aa')).toBe(true)
    expect(allowsPart('W/"aa"', 'aa')).toBe(false)
    expect(allowsPart('"bb"', 'aa')).toBe(false)
    expect(allowsPart('Wed, 21 Oct 2015 07:28:00 GMT', 'aa')).toBe(false)
  })
})

describe('conditions (RFC 9110 §13)', () => {
  test.each([
    [{}, 'aa', 'holds'],
    [{ ifNoneMatch: '*' }, undefined, 'holds'],
    [{ ifNoneMatch: '*' }, 'aa', 'fails'],
    [{ ifNoneMatch: '"bb"' }, 'aa', 'holds'],
    [{ ifMatch: '"aa"' }, 'aa', 'holds'],
    [{ ifMatch: '"bb", "aa"' }, 'aa', 'holds'],
    [{ ifMatch: 'W/"aa"' }, 'aa', 'fails'],
    [{ ifMatch: '"aa"' }, undefined, 'fails'],
    [{ ifMatch: '*' }, 'aa', 'holds'],
    [{ ifMatch: '*' }, undefined, 'fails'],
    [{ ifMatch: 'aa' }, 'aa', 'malformed'],
    [{ ifNoneMatch: '' }, 'aa', 'malformed'],
  ] as const)('%j over %j %s', (conditions, current, answer) =>
    expect(judgeWriteConditions(conditions, current)).toBe(answer),
  )

  test('a reader has the content by weak comparison', () => {
    expect(hasContent('W/"aa"', 'aa')).toBe(true)
    expect(hasContent('*', 'aa')).toBe(true)
    expect(hasContent('"bb"', 'aa')).toBe(false)
    expect(hasContent(undefined, 'aa')).toBe(false)
  })
})

describe('Content-Digest (RFC 9530 §2)', () => {
  const empty = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
  test('reads sha-256 wherever it stands', () => {
    const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    expect(readContentDigest(`sha-256=:${empty}:`)).toEqual({ kind: 'sha256', hex })
    expect(readContentDigest(`unixsum=:AAA=:, sha-256=:${empty}:`)).toEqual({ kind: 'sha256', hex })
  })
  test.each(['sha-256=abc', 'sha-256=:abc:', 'sha-256', '=:x:'])('refuses %j', (header) =>
    expect(readContentDigest(header)).toEqual({ kind: 'malformed' }),
  )
  test('leaves foreign algorithms alone', () => {
    expect(readContentDigest(undefined)).toEqual({ kind: 'none' })
    expect(readContentDigest('sha-512=:AAAA:')).toEqual({ kind: 'none' })
  })
})

describe('what a browser is told (security.md row 13)', () => {
  test.each([
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/octet-stream',
    'text/html; charset=utf-8',
  ])('%s is never shown in place', (type) => expect(dispositionOf('a', type)).toMatch(/^attachment;/))
  test('pictures are, whatever their parameters', () => {
    expect(dispositionOf('dir/a.png', 'image/png; q=1')).toMatch(/^inline; filename="a.png"/)
  })
  test('no character of a key leaves the header', () => {
    expect(dispositionOf('a"b;c', 'x/y')).toBe(`attachment; filename="a_b;c"; filename*=UTF-8''a%22b%3Bc`)
    expect(dispositionOf('보고.txt', 'x/y')).toBe(
      `attachment; filename="__.txt"; filename*=UTF-8''%EB%B3%B4%EA%B3%A0.txt`,
    )
  })
  test('what cannot be a content type is plain bytes', () => {
    expect(readContentType('Text/Plain; charset=UTF-8')).toBe('text/plain; charset=utf-8')
    for (const header of [undefined, '', 'text', 'text/plain\r\nx: y', `a/${'b'.repeat(300)}`, 'a/b; c']) {
      expect(readContentType(header)).toBe('application/octet-stream')
    }
  })
})
