import type { EntityValue } from '../../policy-lang/index.ts'

/**
 * What a transaction changed of the state that nodes keep in memory. Recorded with `unit.changed(…)` under the position of
 * the transaction, so that every node can follow, also after a lost notice.
 */
export type Change =
  | {
      readonly kind: 'relation'
      readonly resource: EntityKey
      readonly relation: string
      readonly subject: EntityKey & { readonly relation?: string }
    }
  | { readonly kind: 'entity'; readonly entity: EntityKey }
  /** A stored role, its permissions or its place in the hierarchy. */
  | { readonly kind: 'role'; readonly scopeType: string; readonly name: string }
  /** An activation or roll back. */
  | { readonly kind: 'policySet'; readonly name: string }
  | { readonly kind: 'client'; readonly id: string }
  | { readonly kind: 'tenant' }
  | { readonly kind: 'keys' }
  /** Written by `raiseEpoch`: credentials given before are judged anew. */
  | { readonly kind: 'epoch'; readonly of: EntityKey }
  /** Too much to list (an import): whoever keeps state of this tenant reads it again. */
  | { readonly kind: 'everything' }

export type EntityKey = Pick<EntityValue, 'type' | 'id'>

export type ChangeSet = { readonly tenantId: string; readonly position: bigint; readonly changes: readonly Change[] }

/**
 * Tells listeners of this node what committed anywhere, in order of position per tenant: at once by notice, within 2 s by poll.
 */
export type ChangeFeed = {
  onChange(listener: (set: ChangeSet) => void): () => void
  /** The newest position of the tenant that this node has told its listeners. */
  seen(tenantId: string): bigint
  /** Begins to follow a tenant. INVARIANT: called before its state is read into memory, so that nothing lies between. */
  follow(tenantId: string): Promise<bigint>
  /** Reads what committed since; resolves when every listener has been told. `Writ-Consistency` waits on it. */
  catchUp(tenantId: string): Promise<bigint>
  /** Milliseconds since the database was last heard: what is in memory may be older than it by this. */
  silence(): number
}
