import type { Readable } from 'node:stream'

/**
 * Bytes under random names. Nothing here knows keys, buckets, owners or versions; content never changes once committed.
 * Every rejection is an ObjectStoreError.
 */
export type ObjectStore = {
  /** Begins a new object. It does not exist for `read` until `commit` resolved. */
  begin(): Promise<IncomingObject>
  /** Bytes `start` to `end`, both included; the whole object without a range. Rejects with `notFound`. */
  read(name: string, range?: ByteRange): Promise<Readable>
  /** Resolves whether or not the object was there. */
  remove(name: string): Promise<void>
  /** Every object, finished or not, in any order: what the orphan sweep walks. */
  list(): AsyncIterable<StoredName>
}

export type IncomingObject = {
  /** Random; never used before. */
  readonly name: string
  /** Awaiting it is the backpressure. */
  write(chunk: Uint8Array): Promise<void>
  /** After it resolves the object survives a power cut. */
  commit(): Promise<void>
  /** Leaves nothing behind. Never rejects; may follow a failed `write` or `commit`. */
  abort(): Promise<void>
  /** Lets go of it as it stands, for the sweep to find: what to do where nobody can say whether it counts. Never rejects. */
  leave(): Promise<void>
}

export type ByteRange = { readonly start: number; readonly end: number }
/** `modifiedAt`: milliseconds since 1970. `finished`: `commit` resolved. */
export type StoredName = { readonly name: string; readonly finished: boolean; readonly modifiedAt: number }

export type ObjectStoreErrorKind = 'full' | 'notFound' | 'unavailable'
export class ObjectStoreError extends Error {
  readonly kind: ObjectStoreErrorKind
  constructor(kind: ObjectStoreErrorKind, cause?: unknown) {
    super(`object store: ${kind}`, { cause })
    this.kind = kind
  }
}
