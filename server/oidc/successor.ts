import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const nonceBytes = 12
const tagBytes = 16

/** Encrypts the successor of a refresh token under a key that only the holder of the old one can derive (provider.md §2). */
export function sealSuccessor(oldToken: string, newToken: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', keyOf(oldToken), nonce)
  const sealed = Buffer.concat([cipher.update(newToken, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
}

export function openSuccessor(oldToken: string, text: string): string {
  const bytes = Buffer.from(text, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', keyOf(oldToken), bytes.subarray(0, nonceBytes))
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
  return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
}

const keyOf = (token: string): Buffer => Buffer.from(hkdfSync('sha256', token, '', 'writ refresh successor', 32))
