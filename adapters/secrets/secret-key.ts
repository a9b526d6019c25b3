import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** The key-encryption key is missing, weak or unreadable; the message tells the operator what to do. */
export class SecretKeyError extends Error {}

const keyBytes = 32
/** 32 random bytes have about 30 different values; fewer than this happens by chance once in 10^18. */
const fewestDistinctBytes = 16
const fileName = 'secret.key'
const howToMake = `make one with: node -e "console.log(require('crypto').randomBytes(32).toString('base64url'))"`

/**
 * The keys of WRIT_SECRET_KEY: 32 random bytes each in base64url, separated by commas, the newest first. A passphrase is refused:
 * what it guards must survive a stolen database, and people's phrases do not. Throws SecretKeyError.
 */
export function parseSecretKeys(text: string): Uint8Array[] {
  const keys = text
    .split(',')
    .map((part, index) => parseKey(part.trim(), `WRIT_SECRET_KEY${index ? ` (key ${index + 1})` : ''}`))
  if (new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size !== keys.length) {
    throw new SecretKeyError('WRIT_SECRET_KEY lists a key twice')
  }
  return keys
}

/** Development: the key in `dataFolder`, generated there once, readable by its owner only. Throws SecretKeyError. */
export function developmentSecretKeys(dataFolder: string): Uint8Array[] {
  const path = join(dataFolder, fileName)
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
    return [readKey(path) ?? generateKey(path)]
  } catch (error) {
    if (error instanceof SecretKeyError) throw error
    throw new SecretKeyError(`cannot read or make ${path}: ${String(error)}`)
  }
}

function readKey(path: string): Uint8Array | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return undefined
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new SecretKeyError(`${path} can be read by other users; run: chmod 600 ${path}`)
  }
  return parseKey(readFileSync(path, 'utf8').trim(), path)
}

/** ORDER: write beside, then link: two starts agree on one key, and a killed one leaves no half key. */
function generateKey(path: string): Uint8Array {
  const beside = `${path}.${randomBytes(6).toString('hex')}`
  const file = openSync(beside, 'wx', 0o600)
  try {
    writeSync(file, `${randomBytes(keyBytes).toString('base64url')}\n`)
    fsyncSync(file)
    chmodSync(beside, 0o600)
    linkSync(beside, path)
  } catch (error) {
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    closeSync(file)
    rmSync(beside, { force: true })
  }
  const key = readKey(path)
  if (!key) throw new SecretKeyError(`${path} vanished while it was made`)
  return key
}

function parseKey(text: string, source: string): Uint8Array {
  const key = Buffer.from(text, 'base64url')
  if (key.length !== keyBytes || key.toString('base64url') !== text.replace(/=$/, '')) {
    throw new SecretKeyError(
      `${source} must be 32 random bytes in base64url (43 characters), not a passphrase; ${howToMake}`,
    )
  }
  if (new Set(key).size < fewestDistinctBytes) {
    throw new SecretKeyError(`${source} is not random; ${howToMake}`)
  }
  return new Uint8Array(key)
}
