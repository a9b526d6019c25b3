import { describe, expect, test } from '@jest/globals'
import { checkAssignedPassword, checkNewPassword, isGuessable } from '../../../server/identity/password-rules.ts'
import { createPasswords } from '../../../server/identity/passwords.ts'

describe('passwords that an administrator states in documents (NIST 800-63B-4 §3.1.1.2)', () => {
  test.each(['alice-8!', 'alice-password-2026'])('takes %s', (password) => {
    expect(() => checkAssignedPassword(password)).not.toThrow()
  })
  test.each(['seven77', 'password123', 'x'.repeat(257)])('refuses %s', (password) => {
    expect(() => checkAssignedPassword(password)).toThrow(/password_too/)
  })
})

describe('password rules (people.md §3)', () => {
  const codeOf = (password: string, about: readonly string[] = []): string => {
    try {
      checkNewPassword(password, about)
      return 'fine'
    } catch (error) {
      return (error as { readonly kind: { readonly code: string } }).kind.code
    }
  }
  const phrase = 'kz vloom rudit pe'

  test.each([
    ['14 code points', phrase.slice(0, 14), 'password_too_short'],
    ['15 code points', phrase.slice(0, 15), 'fine'],
    ['14 code points of two units each', '🦦'.repeat(14), 'password_too_short'],
    ['256 code points', phrase.repeat(16).slice(0, 256), 'fine'],
    ['257 code points', phrase.repeat(16).slice(0, 257), 'password_too_long'],
  ])('%s', (_what, password, code) => {
    expect(codeOf(password)).toBe(code)
  })

  test.each([
    'passwordpassword',
    'password1234567',
    'Password!!!!!!!1',
    'qwertyuiopasdfgh',
    'abcdefghijklmnop',
    '123456789012345',
    'aaaaaaaaaaaaaaaa',
    'iloveyouiloveyou',
    'welcome-admin-2024',
    'letmein letmein 99',
    '비밀번호비밀번호비밀번호비밀번호',
  ])('refuses %s, which is guessed first', (password) => {
    expect(codeOf(password)).toBe(password.length < 15 ? 'password_too_short' : 'password_too_common')
  })

  test('refuses the person’s own name and address', () => {
    expect(isGuessable('margaret.hamilton.1969', ['margaret.hamilton@example.test'])).toBe(true)
    expect(isGuessable('margaret.hamilton.1969', [])).toBe(false)
  })

  test.each([
    'violet otters juggle 41 lanterns',
    'correct horse battery staple',
    'purple dragon coffee guitar',
    '나는 어제 부엌에서 고래를 보았다 정말로',
  ])('takes %s: no composition rules', (password) => {
    expect(codeOf(password)).toBe('fine')
  })
})

describe('the hash pool', () => {
  test('a password verifies against its hash and no other does', async () => {
    const passwords = createPasswords({ concurrency: 1 })
    const hash = await passwords.hash('violet otters')
    expect(hash).toMatchObject({ algorithm: 'argon2id', memory: 19_456, passes: 2, parallelism: 1 })
    expect(await passwords.verify('violet otters', hash)).toBe(true)
    expect(await passwords.verify('violet otterz', hash)).toBe(false)
    expect((await passwords.hash('violet otters')).hash).not.toBe(hash.hash)
  })

  test('composed and decomposed letters are one password', async () => {
    const passwords = createPasswords({ concurrency: 1 })
    expect(await passwords.verify('caf\u00e9', await passwords.hash('cafe\u0301'))).toBe(true)
  })

  test('without a stored hash the answer is no', async () => {
    expect(await createPasswords({ concurrency: 1 }).verify('anything', undefined)).toBe(false)
  })

  test('beyond the queue it is 503 with Retry-After, and those in it are served', async () => {
    const passwords = createPasswords({ concurrency: 1, queueLimit: 2 })
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => passwords.verify('x', undefined)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    const refused = outcomes[3] as PromiseRejectedResult
    expect(refused.reason).toMatchObject({
      kind: { code: 'hash_pool_full', status: 503 },
      options: { headers: { 'Retry-After': expect.any(String) } },
    })
  })
})
