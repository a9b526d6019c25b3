/**
 * Envelope encryption under the key-encryption key, and randomness. Nothing here knows what it seals.
 * `purpose` is bound as associated data: a value sealed for one purpose does not open for another.
 */
export type Secrets = {
  /** Text that is safe to store: version, key id, nonce, ciphertext (AES-256-GCM). */
  seal(purpose: string, plain: Uint8Array): string
  /** Throws SecretError for altered text, an unknown key or another purpose. */
  open(purpose: string, sealed: string): Uint8Array
  /** A key derived for one purpose (HKDF-SHA256), e.g. cookie or cursor signing; 32 bytes, stable for the installation. */
  deriveKey(purpose: string): Uint8Array
  /** URL-safe random text of `bytes` bytes of entropy. */
  token(bytes?: number): string
}
export class SecretError extends Error {
  readonly kind: 'altered' | 'unknownKey'
  constructor(kind: 'altered' | 'unknownKey') {
    super(`secret: ${kind}`)
    this.kind = kind
  }
}
