import type { Migration } from '../adapters/database/port.ts'
import type { Egress } from '../adapters/egress/port.ts'
import type { Mail } from '../adapters/mail/port.ts'
import type { ObjectStore } from '../adapters/object-store/port.ts'
import type { Layer } from '../policy-lang/index.ts'
import type { EntityBinding } from './decision/entity-binding.ts'
import type { ExternBinding } from './decision/extern-binding.ts'
import type { ListedAction } from './decision/oracle/check-lists.ts'
import type { ClientAuthenticator, TokenVerifier } from './http/authentication.ts'
import type { Mount } from './http/mount.ts'
import type { RouteTable } from './http/route.ts'
import type { Kernel } from './kernel.ts'

/**
 * One part of the server (oidc, identity, admin, a platform module): what it brings before the kernel stands (schema, rules,
 * bindings), and what it builds from the kernel. `areas.ts` beside main.ts is the table of all of them.
 */
export type Area = {
  readonly name: string
  readonly migrations?: readonly Migration[]
  /** Every `*.fbac` of the folder, read at start. */
  readonly policies?: { readonly folder: URL; readonly layer: Extract<Layer, 'platform' | 'module'> }
  readonly bindings?: readonly EntityBinding[]
  /** What it lists: checked with every change of rules (SPEC 7.7). */
  readonly lists?: readonly ListedAction[]
  readonly build?: (kernel: Kernel) => AreaParts | Promise<AreaParts>
}

export type AreaParts = {
  readonly routes?: readonly RouteTable[]
  readonly mounts?: readonly Mount[]
  /** Judges one kind of bearer token; asked in order of the table. */
  readonly tokenVerifier?: TokenVerifier
  /** At most one area provides it. */
  readonly clientAuthenticator?: ClientAuthenticator
  /** What answers `extern fn`s of policies; a name is bound once. */
  readonly externs?: readonly ExternBinding[]
  /** Handlers of outbox rows by topic; at least once, retried with backoff, after commit. */
  readonly topics?: { readonly [topic: string]: (row: OutboxRow) => Promise<void> }
  /** Gives a new tenant what it needs, inside the transaction that creates it; also run for the default tenant at first start. */
  readonly tenantCreated?: (tenantId: string) => Promise<void>
  /** Whether requests can be served; checked by /health/ready (`keys`: true). */
  readonly ready?: () => Promise<{ readonly [what: string]: boolean }>
  /** Before the first request, in order of the table. */
  readonly start?: () => Promise<void>
  /** After the last request, in reverse order. */
  readonly stop?: () => Promise<void>
}

export type OutboxRow = {
  readonly tenantId: string
  readonly id: string
  readonly topic: string
  readonly payload: { readonly [name: string]: unknown }
}

/** What areas and modules are made from before there is a kernel. */
export type AreaOptions = {
  readonly openObjects: (kernel: Kernel) => Promise<ObjectStore>
  /** Requests to addresses that somebody else chose; absent: none is made. */
  readonly egress?: Egress
  /** What was mailed, where mail is kept in memory. */
  readonly receivedMails?: () => readonly Mail[]
  /** Writes a line for whoever started the server. */
  readonly tell: (text: string) => void
}

/** `areas.ts` is the only one outside of tests. */
export type AreaTable = (options: AreaOptions) => readonly Area[]
