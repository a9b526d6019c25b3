import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { SecretError, type Secrets } from './port.ts'

const version = 'w1'
/** NIST SP 800-38D §8.2.2: random nonces of 96 bits; one key per purpose keeps far below 2^32 seals a key. */
const nonceBytes = 12
const tagBytes = 16
const defaultTokenBytes = 32

/**
 * Secrets under `keys` of 32 bytes: the first seals, every one opens. `deriveKey` uses the last, the oldest still listed: putting a
 * new key in front changes no derived key; dropping the oldest does (and ends what it signed, as one wants after a leak).
 */
export function sealedSecrets(keys: readonly Uint8Array[]): Secrets {
  const ring = new Map(keys.map((key) => [keyId(key), key]))
  const [first] = keys
  const last = keys.at(-1)
  if (!first || !last) throw new Error('secrets need at least one key')
  const sealingId = keyId(first)
  return {
    seal(purpose, plain) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', sealingKey(first, purpose), nonce)
      cipher.setAAD(associatedData(sealingId, purpose))
      const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
      return [version, sealingId, nonce.toString('base64url'), sealed.toString('base64url')].join('.')
    },
    open(purpose, text) {
      const { id, nonce, sealed } = parse(text)
      const key = ring.get(id)
      if (!key) throw new SecretError('unknownKey')
      const decipher = createDecipheriv('aes-256-gcm', sealingKey(key, purpose), nonce, { authTagLength: tagBytes })
      decipher.setAAD(associatedData(id, purpose))
      decipher.setAuthTag(sealed.subarray(-tagBytes))
      try {
        const plain = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()])
        return new Uint8Array(plain)
      } catch {
        throw new SecretError('altered')
      }
    },
    deriveKey: (purpose) => derive(last, `derive:${purpose}`, 32),
    token: (bytes = defaultTokenBytes) => randomBytes(bytes).toString('base64url'),
  }
}

function parse(text: string): { readonly id: string; readonly nonce: Buffer; readonly sealed: Buffer } {
  const [tag, id, nonceText, sealedText, ...rest] = text.split('.')
  if (tag !== version || !id || !nonceText || !sealedText || rest.length > 0) throw new SecretError('altered')
  const nonce = decode(nonceText)
  const sealed = decode(sealedText)
  if (nonce.length !== nonceBytes || sealed.length < tagBytes) throw new SecretError('altered')
  return { id, nonce, sealed }
}

/** Strict base64url: Node skips what it does not know, so that two texts would open to the same value. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw new SecretError('altered')
  return bytes
}

/** RFC 5869 with the purpose as info. */
const derive = (key: Uint8Array, info: string, bytes: number): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `writ:${info}`, bytes))
const sealingKey = (key: Uint8Array, purpose: string): Uint8Array => derive(key, `seal:${purpose}`, 32)
/** Says which key sealed a value and nothing about it. */
const keyId = (key: Uint8Array): string => Buffer.from(derive(key, 'key id', 8)).toString('base64url')
const associatedData = (id: string, purpose: string): Buffer => Buffer.from(`${version}.${id}.${purpose}`)
