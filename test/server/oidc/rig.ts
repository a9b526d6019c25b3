import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import pino from 'pino'
import type { Clock } from '../../../adapters/clock/port.ts'
import { inProcessNotices } from '../../../adapters/notice/in-process.ts'
import { sealedSecrets } from '../../../adapters/secrets/sealed.ts'
import type { Area } from '../../../server/area.ts'
import { buildServer } from '../../../server/build-server.ts'
import type { CertificateHeader } from '../../../server/certificates/forwarded-certificate.ts'
import { type ListenerTls, listen } from '../../../server/http/listener.ts'
import { createAccounts } from '../../../server/identity/accounts.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { createPasswords } from '../../../server/identity/passwords.ts'
import type { Kernel } from '../../../server/kernel.ts'
import { type OidcAreaOptions, oidcArea } from '../../../server/oidc/area.ts'
import { type ClientMetadata, clientMetadataSchema, hashClientSecret } from '../../../server/oidc/client-metadata.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { changes as changeTables } from '../../../server/schema/0002-changes.ts'
import { openTestDatabase } from '../../kit/database.ts'

/** Real time plus what a test adds: the library reads the machine's clock, so tests only ever go forward together with it. */
export type ShiftedClock = Clock & { advance(milliseconds: number): void }

export type RigOptions = {
  readonly url?: string
  readonly area?: OidcAreaOptions
  /** Beside the provider. */
  readonly areas?: readonly Area[]
  /** Clients with certificates: a listener of our own beside the ordinary one, or a header of a proxy on loopback. */
  readonly mtls?: {
    readonly tls: ListenerTls
    readonly authorities?: string
    readonly header?: CertificateHeader
  }
}
export type Rig = Awaited<ReturnType<typeof openRig>>

export const alicePassword = 'violet otters juggle 41 lanterns'
export const clientSecret = 'a-secret-of-the-web-client-0123456789'

/** The oidc area alone behind the real request layers and a real database: what a test of the provider needs and no more. */
export async function openRig(options: RigOptions = {}) {
  const { database, close: closeDatabase } = await openTestDatabase({
    migrations: [
      foundation,
      changeTables,
      ...[oidcArea(), ...(options.areas ?? [])].flatMap(({ migrations = [] }) => migrations),
    ],
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
  const { mtls } = options
  const certified = mtls && (await listen('127.0.0.1', 0, { ...mtls.tls, clients: { authorities: mtls.authorities } }))
  const mtlsUrl = certified && `https://localhost:${certified.port}`
  const built = await buildServer({
    config: {
      profile: 'development',
      host: '127.0.0.1',
      port: 0,
      issuer,
      dataFolder: '',
      trustedProxies: mtls?.header === undefined ? [] : ['127.0.0.1'],
      ...(mtlsUrl === undefined ? {} : { mtlsUrl }),
      ...(mtls?.header === undefined ? {} : { clientCertificateHeader: mtls.header }),
      ...(mtls?.authorities === undefined ? {} : { clientAuthorities: mtls.authorities }),
      mailFrom: 'writ@example.test',
      logLevel: 'debug',
      rejudgedLists: 0,
    },
    log,
    clock,
    database,
    notice: inProcessNotices(database),
    secrets: sealedSecrets([Buffer.alloc(32, 7)]),
    mailer: unused('mail'),
    jobs: unused('jobs'),
    areas: [serverPolicies, oidcArea(options.area), ...(options.areas ?? [])],
  })
  server.on('request', built.handle)
  certified?.serve(built.handle)
  const { kernel } = built
  const seed = createSeed(kernel)
  return {
    issuer,
    /** Where clients with certificates call. */
    mtlsUrl: mtlsUrl ?? '',
    kernel,
    database,
    clock,
    seed,
    logged: () => lines.join(''),
    /** Nobody and nothing but the default tenant; what nodes remember by position stays valid. */
    async empty(): Promise<void> {
      for (const table of emptied) await seed.run(`delete from ${table}`, [])
      await seed.run(`update tenant set status = 'active', epoch = 0`, [])
      // Decisions remember the row for a moment.
      const tenant = { type: 'Tenant', id: 'default' }
      await kernel.withTransaction({ tenantId: 'default', subject: entityOf('Anonymous', '') }, async (unit) =>
        unit.changed({ kind: 'entity', entity: tenant }),
      )
    },
    async close() {
      server.closeAllConnections()
      await certified?.close(0)
      await new Promise((resolve) => server.close(resolve))
      await built.stop()
      await closeDatabase()
    },
  }
}

/** ORDER: what refers to others first. */
const emptied = [
  'oidc_session',
  'oidc_interaction',
  'oidc_code',
  'oidc_access_token',
  'oidc_refresh_token',
  'oidc_device_code',
  'oidc_backchannel_request',
  'oidc_grant',
  'attempt_budget',
  'setup_link',
  'relation',
  'account',
  'client',
] as const

/** The rules that every server has, without the other areas. */
const serverPolicies: Area = {
  name: 'server',
  policies: { folder: new URL('../../../server/policy/', import.meta.url), layer: 'platform' },
}

/** A port that the area under test does not use: using it fails the test. */
const unused = <T extends object>(name: string): T =>
  new Proxy({} as T, {
    get() {
      throw new Error(`the test has no ${name}`)
    },
  })

function createSeed({ database, withTransaction, clock }: Kernel) {
  const passwords = createPasswords({ concurrency: 2 })
  const run = (text: string, values: readonly unknown[]) => database.query({ name: '', text }, values)
  const actor = (tenantId: string) => ({ tenantId, subject: entityOf('Anonymous', '') })
  const holder = async (relation: string, id: string): Promise<void> => {
    const tuple = { resource: { type: 'Tenant', id: 'default' }, relation, subject: { type: 'Client', id } }
    await withTransaction(actor('default'), async (unit) => {
      unit.changed({ kind: 'relation', ...tuple })
      await run(
        `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id)
values ('default', 'Tenant', 'default', $1, 'Client', $2) on conflict do nothing`,
        [relation, id],
      )
    })
  }
  return {
    run,
    async tenant(id: string): Promise<void> {
      await run('insert into tenant (id, name) values ($1, $1) on conflict do nothing', [id])
      await run('insert into tenant_revision (tenant_id) values ($1) on conflict do nothing', [id])
    },
    async client(
      id: string,
      metadata: Partial<ClientMetadata>,
      more: { firstParty?: boolean; tenantId?: string } = {},
    ) {
      const whole = clientMetadataSchema.parse(metadata)
      const tenantId = more.tenantId ?? 'default'
      const hashes = JSON.stringify([hashClientSecret(clientSecret)])
      await withTransaction(actor(tenantId), async (unit) => {
        unit.changed({ kind: 'client', id })
        await run(
          'insert into client (tenant_id, id, name, metadata, secret_hashes, first_party) values ($1, $2, $3, $4, $5, $6)',
          [tenantId, id, `App ${id}`, JSON.stringify(whole), hashes, more.firstParty ?? false],
        )
      })
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
    /** Makes a client with its own credentials an administrator of the default tenant. */
    admin: (id: string): Promise<void> => holder('admin', id),
    holder,
    async setStatus(accountId: string, status: 'active' | 'disabled' | 'deleted'): Promise<void> {
      const accounts = createAccounts(database, 'default')
      await withTransaction(actor('default'), (unit) => accounts.setStatus(unit, accountId, status, clock.now()))
    },
  }
}
