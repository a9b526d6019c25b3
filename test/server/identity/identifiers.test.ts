import { describe, expect, test } from '@jest/globals'
import { parseEmail, parseIdentifier, parsePhone, parseUsername } from '../../../server/identity/identifiers.ts'

describe('e-mail addresses (people.md §2)', () => {
  test.each([
    [' Alice@Example.TEST ', 'alice@example.test', 'Alice@Example.TEST'],
    ['alice+tag@example.test', 'alice+tag@example.test', 'alice+tag@example.test'],
    ['a@bücher.example', 'a@xn--bcher-kva.example', 'a@bücher.example'],
    ['a@例え.jp', 'a@xn--r8jz45g.jp', 'a@例え.jp'],
    ['STRASSE@example.test', 'strasse@example.test', 'STRASSE@example.test'],
    ['straße@example.test', 'strasse@example.test', 'straße@example.test'],
  ])('%s is compared as %s and shown as typed', (typed, normalized, shown) => {
    expect(parseEmail(typed)).toEqual({ kind: 'email', normalized, shown })
  })

  test('composed and decomposed letters are one address', () => {
    expect(parseEmail('e\u0301ric@example.test')).toEqual(parseEmail('\u00e9ric@example.test'))
  })

  test('plus-tags stay distinct', () => {
    expect(parseEmail('a+b@example.test')?.normalized).not.toBe(parseEmail('a@example.test')?.normalized)
  })

  test.each([
    '',
    'alice',
    '@example.test',
    'a@',
    'a@@example.test',
    'a b@example.test',
    'a@exa mple.test',
    'a\u0000@example.test',
    'a@example..test',
    'a@.test',
    'a<b>@example.test',
    '{"$like":"%"}@example.test',
    `${'a'.repeat(65)}@example.test`,
    `a@${'b'.repeat(250)}.test`,
  ])('%j is none', (text) => {
    expect(parseEmail(text)).toBeUndefined()
  })
})

describe('numbers and names', () => {
  test('a phone number is E.164, also as the predecessors wrote it', () => {
    expect(parsePhone('+82 10-1234-5678')?.normalized).toBe('+821012345678')
    expect(parsePhone('KR|010-1234-5678')?.normalized).toBe('+821012345678')
    expect(parsePhone('010-1234-5678')).toBeUndefined()
  })

  test('what somebody types is an address, a number or a name', () => {
    expect(parseIdentifier('a@example.test')?.kind).toBe('email')
    expect(parseIdentifier('+821012345678')?.kind).toBe('phone')
    expect(parseIdentifier('Alice')).toEqual(
      parseUsername('alice') && { kind: 'username', normalized: 'alice', shown: 'Alice' },
    )
    expect(parseIdentifier('%')).toBeUndefined()
  })
})
