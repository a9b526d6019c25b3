import { describe, expect, test } from '@jest/globals'
import { readSources } from './source-tree.ts'

const product = readSources().filter((file) => !file.path.startsWith('test/'))

/** Where a pattern may stand; anywhere else it is a second path to something that must have one. */
function filesWith(pattern: RegExp, except: RegExp): string[] {
  return product.filter((file) => pattern.test(file.text) && !except.test(file.path)).map((file) => file.path)
}

describe('one path to what matters (security.md)', () => {
  test('tokens are signed only by the provider and the gate', () => {
    expect(filesWith(/\bnew SignJWT\b|\bnew CompactSign\b/, /^server\/(oidc|issuance)\//)).toEqual([])
  })

  test('a Permit is made only by the gate', () => {
    expect(filesWith(/as Permit\b|\bbrandPermit\b/, /^server\/issuance\//)).toEqual([])
  })

  test('the protocol library is constructed only in server/oidc', () => {
    expect(filesWith(/from 'oidc-provider'/, /^server\/oidc\//)).toEqual([])
  })

  test('casbin stays behind server/rbac and out of requests', () => {
    expect(filesWith(/from 'casbin'/, /^server\/rbac\//)).toEqual([])
  })

  test('password hashing stands in one place', () => {
    expect(filesWith(/argon2/, /^server\/identity\//)).toEqual([])
  })

  test('randomness for secrets comes from the secrets port', () => {
    expect(filesWith(/Math\.random\(/, /^$/)).toEqual([])
  })

  test('code is generated only by the JavaScript backend', () => {
    expect(filesWith(/new Function\(|\beval\(/, /^policy-lang\/backends\/js\//)).toEqual([])
  })

  test('the clock is a port: Date.now stands in adapters, the command line and tests only', () => {
    expect(filesWith(/\bDate\.now\(\)|new Date\(\)/, /^(adapters|server\/cli)\//)).toEqual([])
  })
})

describe('refusal codes (house style)', () => {
  const catalogues = product.filter((file) => /\brefusals\(\{/.test(file.text))
  const codes = catalogues.flatMap((file) =>
    [...file.text.matchAll(/^ {2}([a-z][a-z0-9_]*): \{ ?\n? *status:/gm)].map((match) => ({
      code: match[1] ?? '',
      file: file.path,
    })),
  )

  test('each stands once in the program', () => {
    const seen = new Map<string, string>()
    const twice: string[] = []
    for (const { code, file } of codes) {
      const first = seen.get(code)
      if (first) twice.push(`${code}: ${first} and ${file}`)
      seen.set(code, file)
    }
    expect(twice).toEqual([])
  })

  test('refusals are made only from catalogues', () => {
    expect(filesWith(/\bnew Refusal\(/, /^server\/http\/refusal\.ts$/)).toEqual([])
  })

  test('catalogues stand in errors.ts', () => {
    expect(
      catalogues.map((file) => file.path).filter((path) => !/\/errors\.ts$|server\/http\/refusal\.ts$/.test(path)),
    ).toEqual([])
  })
})
