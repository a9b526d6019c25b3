import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { identityErrors } from './errors.ts'

/** OWASP and people.md §3: m = 19 MiB, t = 2, p = 1. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const
const saltBytes = 16

/** Hashes waiting beyond this are refused: hashing must never stall decisions, nor fill memory (19 MiB each). */
const queueLimit = 64

/** What `credential.data` of a password holds. */
export type PasswordHash = {
  readonly algorithm: 'argon2id'
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: string
  readonly hash: string
}

export type Passwords = {
  hash(password: string): Promise<PasswordHash>
  /** Without a stored hash the same work is done and the answer is no, so unknown accounts take as long (security.md row 14). */
  verify(password: string, stored: PasswordHash | undefined): Promise<boolean>
}

export type PasswordOptions = {
  /** Hashes at the same time; each takes one thread of libuv's pool. */
  readonly concurrency: number
  readonly queueLimit?: number
}

/** The one place that hashes passwords. Overflow of the queue is 503 `hash_pool_full` with Retry-After. */
export function createPasswords(options: PasswordOptions): Passwords {
  const slots = boundedSlots(options.concurrency, options.queueLimit ?? queueLimit)
  const dummySalt = randomBytes(saltBytes)

  return {
    hash: (password) =>
      slots(async () => {
        const salt = randomBytes(saltBytes)
        const hash = await derive(password, salt, parameters)
        const { memory, passes, parallelism } = parameters
        return {
          algorithm: 'argon2id',
          memory,
          passes,
          parallelism,
          salt: salt.toString('base64url'),
          hash: hash.toString('base64url'),
        }
      }),
    verify: (password, stored) =>
      slots(async () => {
        if (!stored) {
          await derive(password, dummySalt, parameters)
          return false
        }
        const expected = Buffer.from(stored.hash, 'base64url')
        const { memory, passes, parallelism } = stored
        const cost = { memory, passes, parallelism, tagLength: expected.length }
        const actual = await derive(password, Buffer.from(stored.salt, 'base64url'), cost)
        return actual.length === expected.length && timingSafeEqual(actual, expected)
      }),
  }
}

type Cost = {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly tagLength: number
}

/** NFC first: the same letters typed on another keyboard are the same password (people.md §3). */
const derive = (password: string, nonce: Buffer, cost: Cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const message = Buffer.from(password.normalize('NFC'), 'utf8')
    argon2('argon2id', { message, nonce, ...cost }, (error, key) => (error ? reject(error) : resolve(Buffer.from(key))))
  })

function boundedSlots(concurrency: number, limit: number) {
  const waiting: (() => void)[] = []
  let running = 0
  const release = () => {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
  return async <T>(run: () => Promise<T>): Promise<T> => {
    if (running < concurrency) running += 1
    else if (waiting.length >= limit) throw identityErrors.hash_pool_full({ headers: { 'Retry-After': '2' } })
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await run()
    } finally {
      release()
    }
  }
}
