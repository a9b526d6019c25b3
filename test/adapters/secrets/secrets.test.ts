import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { sealedSecrets } from '../../../adapters/secrets/sealed.ts'
import { developmentSecretKeys, parseSecretKeys, SecretKeyError } from '../../../adapters/secrets/secret-key.ts'

const [old, fresh] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))]
const plain = new Uint8Array([0, 1, 2, 255])
const secrets = sealedSecrets([old])

describe('sealed secrets', () => {
  test('open gives back what was sealed, of any length; two seals of one value differ', () => {
    expect(secrets.open('p', secrets.seal('p', plain))).toEqual(plain)
    expect(secrets.open('p', secrets.seal('p', new Uint8Array()))).toEqual(new Uint8Array())
    expect(secrets.seal('p', plain)).not.toBe(secrets.seal('p', plain))
  })

  test('a value sealed for one purpose does not open for another', () => {
    const sealed = secrets.seal('p', plain)
    expect(() => secrets.open('q', sealed)).toThrow(expect.objectContaining({ kind: 'altered' }))
  })

  test('no character of a sealed text can be changed', () => {
    const sealed = secrets.seal('p', plain)
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A'
      expect(() => secrets.open('p', sealed.slice(0, at) + other + sealed.slice(at + 1))).toThrow(/^secret: /)
    }
    for (const text of ['', 'w1', `${sealed}.x`, `${sealed}=`, sealed.slice(0, -1), 'w1.a.b.c']) {
      expect(() => secrets.open('p', text)).toThrow(/^secret: /)
    }
  })

  test('rotation: the first key seals, every listed key opens, a key that is gone does not', () => {
    const before = secrets.seal('p', plain)
    const rotating = sealedSecrets([fresh, old])
    expect(rotating.open('p', before)).toEqual(plain)
    expect(sealedSecrets([fresh]).open('p', rotating.seal('p', plain))).toEqual(plain)
    expect(() => sealedSecrets([fresh]).open('p', before)).toThrow(expect.objectContaining({ kind: 'unknownKey' }))
  })

  test('derived keys: 32 bytes, stable, one per purpose, kept while a key is put in front', () => {
    expect(secrets.deriveKey('a')).toHaveLength(32)
    expect(secrets.deriveKey('a')).toEqual(sealedSecrets([fresh, old]).deriveKey('a'))
    expect(secrets.deriveKey('a')).not.toEqual(secrets.deriveKey('b'))
    expect(secrets.deriveKey('a')).not.toEqual(sealedSecrets([fresh]).deriveKey('a'))
  })

  test('tokens are URL-safe and have the asked entropy', () => {
    expect(secrets.token()).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(secrets.token(16)).toMatch(/^[A-Za-z0-9_-]{22}$/)
  })
})

describe('WRIT_SECRET_KEY', () => {
  const text = Buffer.from(old).toString('base64url')

  test('takes keys of 32 bytes in base64url, newest first', () => {
    expect(parseSecretKeys(text)).toEqual([old])
    expect(parseSecretKeys(`${Buffer.from(fresh).toString('base64url')}, ${text}`)).toEqual([fresh, old])
  })

  test.each([
    ['nothing', ''],
    ['a passphrase', 'correct horse battery staple'],
    ['a passphrase of 43 characters', 'correct-horse-battery-staple-and-more-words'.slice(0, 43).replace(/.$/, '!')],
    ['31 bytes', randomBytes(31).toString('base64url')],
    ['33 bytes', randomBytes(33).toString('base64url')],
    ['zeros', Buffer.alloc(32).toString('base64url')],
    ['a repeated pattern', Buffer.from('0123456789'.repeat(4).slice(0, 32)).toString('base64url')],
    ['the same key twice', `${text},${text}`],
  ])('refuses %s', (_, wrong) => {
    expect(() => parseSecretKeys(wrong)).toThrow(SecretKeyError)
    if (wrong.length > 8) expect(() => parseSecretKeys(wrong)).not.toThrow(wrong)
  })
})

describe('the key of a development data folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-secrets-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('is made once, readable by its owner only, and leaves nothing beside it', () => {
    const data = join(folder, 'data')
    expect(developmentSecretKeys(data)).toEqual(developmentSecretKeys(data))
    expect(statSync(join(data, 'secret.key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(data)).toEqual(['secret.key'])
  })

  test('is refused where other users can read it', () => {
    chmodSync(join(folder, 'data', 'secret.key'), 0o644)
    expect(() => developmentSecretKeys(join(folder, 'data'))).toThrow('chmod 600')
  })
})
