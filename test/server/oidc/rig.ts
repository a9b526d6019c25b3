import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import pino from 'pino'
import type { Clock } from '../../../adapters/clock/port.ts'
import { inProcessNotices } from '../../../adapters/notice/in-process.ts'
import { sealedSecrets } from '../../../adapters/secrets/sealed.ts'
import type { Question } from '../../../server/decision/decision-point.ts'
import { createChangeFeed } from '../../../server/events/change-feed.ts'
import { createIdMaker } from '../../../server/events/time-ordered-id.ts'
import { createWithTransaction } from '../../../server/events/with-transaction.ts'
import { createMetrics } from '../../../server/http/metrics.ts'
import { createPipeline, type PipelineDeps } from '../../../server/http/pipeline.ts'
import { createRouteIndex } from '../../../server/http/route-index.ts'
import { createAccounts } from '../../../server/identity/accounts.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { createPasswords } from '../../../server/identity/passwords.ts'
import type { Kernel } from '../../../server/kernel.ts'
import { type OidcAreaOptions, oidcArea } from '../../../server/oidc/area.ts'
import { type ClientMetadata, clientMetadataSchema, hashClientSecret } from '../../../server/oidc/client-metadata.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { changes as changeTables } from '../../../server/schema/0002-changes.ts'
import { oidcTables } from '../../../server/schema/0010-oidc.ts'
import type { Tenant } from '../../../server/tenancy/tenant.ts'
import { openTestDatabase } from '../../kit/database.ts'
import { handWrittenDecisions } from './hand-written-decisions.ts'

/** Real time plus what a test adds: the library reads the machine's clock, so tests only ever go forward together with it. */
export type ShiftedClock = Clock & { advance(milliseconds: number): void }

export type RigOptions = {
  readonly url?: string
  readonly deny?: (question: Question) => boolean
  readonly area?: OidcAreaOptions
}
export type Rig = Awaited<ReturnType<typeof openRig>>

export const alicePassword = 'violet otters juggle 41 lanterns'
export const clientSecret = 'a-secret-of-the-web-client-0123456789'

/** The oidc area alone behind the real request layers and a real database: what a test of the provider needs and no more. */
export async function openRig(options: RigOptions = {}) {
  const {
    database,
    close: closeDatabase,
    empty,
  } = await openTestDatabase({
    migrations: [foundation, changeTables, oidcTables],
    ...(options.url !== undefined ? { url: options.url } : {}),
  })
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const log = pino({ level: 'debug' }, sink)
  let shift = 0
  const clock: ShiftedClock = {
    now: () => Date.now() + shift,
    advance: (milliseconds) => {
      shift += milliseconds
    },
  }
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const tenantOf = (id: string): Tenant => ({
    id,
    name: id,
    status: 'active',
    registration: 'closed',
    issuer: id === 'default' ? issuer : `${issuer}/t/${id}`,
    pathPrefix: id === 'default' ? '' : `/t/${id}`,
    epoch: 0,
  })
  const notice = inProcessNotices(database)
  const changes = createChangeFeed({ database, notice, clock, log })
  const decisions = handWrittenDecisions(options.deny)
  const kernel = {
    database,
    clock,
    log,
    notice,
    changes,
    decisions,
    secrets: sealedSecrets([Buffer.alloc(32, 7)]),
    config: { trustedProxies: [], issuer, profile: 'development' },
    tenants: { default: () => tenantOf('default'), find: async (id: string) => tenantOf(id) },
    policies: { peek: () => ({ tenantId: 'default', version: 'by hand' }) },
    withTransaction: createWithTransaction({
      database,
      notice,
      clock,
      makeId: createIdMaker(),
      committed: (set) => changes.committed(set),
      wakeOutbox: () => {},
    }),
    // Only what the area reaches of a kernel; what is missing would fail the test that needs it.
  } as unknown as Kernel
  const seed = createSeed(kernel)
  await seed.tenant('default')
  const parts = await oidcArea(options.area).build?.(kernel)
  if (!parts) throw new Error('the area builds nothing')
  const app = createPipeline({
    ...kernel,
    metrics: createMetrics(),
    limiter: { take: () => {} },
    draining: { isDraining: false },
    readiness: async () => ({}),
    mounts: parts.mounts ?? [],
    routes: createRouteIndex([]),
  } as unknown as PipelineDeps)
  server.on('request', app.callback())
  await parts.start?.()
  return {
    issuer,
    kernel,
    database,
    clock,
    decisions,
    parts,
    seed,
    logged: () => lines.join(''),
    tenantOf,
    empty,
    async close() {
      await parts.stop?.()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await closeDatabase()
    },
  }
}

function createSeed({ database, withTransaction, clock }: Kernel) {
  const passwords = createPasswords({ concurrency: 2 })
  const run = (text: string, values: readonly unknown[]) => database.query({ name: '', text }, values)
  const actor = (tenantId: string) => ({ tenantId, subject: entityOf('Anonymous', '') })
  return {
    run,
    async tenant(id: string): Promise<void> {
      await run('insert into tenant (id, name) values ($1, $1)', [id])
      await run('insert into tenant_revision (tenant_id) values ($1)', [id])
    },
    async client(
      id: string,
      metadata: Partial<ClientMetadata>,
      more: { firstParty?: boolean; tenantId?: string } = {},
    ) {
      const whole = clientMetadataSchema.parse(metadata)
      await run(
        'insert into client (tenant_id, id, name, metadata, secret_hashes, first_party) values ($1, $2, $3, $4, $5, $6)',
        [
          more.tenantId ?? 'default',
          id,
          `App ${id}`,
          JSON.stringify(whole),
          JSON.stringify([hashClientSecret(clientSecret)]),
          more.firstParty ?? false,
        ],
      )
    },
    async account(email: string, password = alicePassword, tenantId = 'default'): Promise<string> {
      const accounts = createAccounts(database, tenantId)
      const hash = await passwords.hash(password)
      const { value } = await withTransaction(actor(tenantId), async (unit) => {
        const input = { email, emailVerified: true, claims: { name: 'Alice Kim', family_name: 'Kim' } }
        const { id } = await accounts.create(unit, input, clock.now())
        await accounts.setPassword(unit, id, hash, clock.now())
        return id
      })
      return value
    },
    async setStatus(accountId: string, status: 'active' | 'disabled' | 'deleted'): Promise<void> {
      const accounts = createAccounts(database, 'default')
      await withTransaction(actor('default'), (unit) => accounts.setStatus(unit, accountId, status, clock.now()))
    },
  }
}
