import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import pino from 'pino'
import { fixedClock } from '../../../adapters/clock/fixed-clock.ts'
import { inProcessNotices } from '../../../adapters/notice/in-process.ts'
import { openFileSystemStore } from '../../../adapters/object-store/file-system.ts'
import { sealedSecrets } from '../../../adapters/secrets/sealed.ts'
import { type Storage, type Upload, type Uploaded, upload } from '../../../platform/storage/actions.ts'
import { bindings } from '../../../platform/storage/bindings.ts'
import { defaultSettings } from '../../../platform/storage/config.ts'
import { type Bucket, objectEntity } from '../../../platform/storage/model.ts'
import { schema } from '../../../platform/storage/schema.ts'
import { type ObjectRow, objectColumns, openStorageStore, readObject } from '../../../platform/storage/store.ts'
import { compileProgram } from '../../../policy-lang/index.ts'
import type { Judgement } from '../../../server/decision/decision-point.ts'
import { createFilterTables } from '../../../server/decision/filter-tables.ts'
import { createRowLists } from '../../../server/decision/list-rows.ts'
import { createConsistencyTokens } from '../../../server/events/consistency-tokens.ts'
import { createIdMaker } from '../../../server/events/time-ordered-id.ts'
import { createWithTransaction } from '../../../server/events/with-transaction.ts'
import { createMetrics } from '../../../server/http/metrics.ts'
import { refusals } from '../../../server/http/refusal.ts'
import type { Kernel, RequestScope } from '../../../server/module.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { changes } from '../../../server/schema/0002-changes.ts'
import { openTestDatabase } from '../../kit/database.ts'

type Asked = Parameters<Kernel['decisions']['decide']>[1]
const { access_denied: denied } = refusals({ access_denied: { status: 403, title: 'No.' } })

/** The module's actions over a real database and real files; who may do what is said by `rule`. */
export type StorageStand = Awaited<ReturnType<typeof openStorageStand>>

export async function openStorageStand(options: { readonly url?: string } = {}) {
  const { database, close } = await openTestDatabase({ ...options, migrations: [foundation, changes, schema] })
  const folder = mkdtempSync(join(tmpdir(), 'writ-files-'))
  const clock = fixedClock()
  const secrets = sealedSecrets([Buffer.alloc(32, 7)])
  let rule: (question: Asked) => boolean = () => true
  const judge = (question: Asked): Judgement => {
    const decision = rule(question)
    return {
      decision,
      reasons: [],
      errors: [],
      degraded: [],
      fields: ['key', 'size'],
      advice: [],
      texts: [],
      id: 'd',
      version: 'v',
      position: '0',
    }
  }
  const decisions: Kernel['decisions'] = {
    decide: async (_, question) => judge(question),
    decideMany: async (_, questions) => questions.map(judge),
    async authorize(_, question) {
      const judgement = judge(question)
      if (!judgement.decision) throw denied()
      return judgement
    },
  }
  /** Rules here are functions, which no filter can say: rows are judged one by one. */
  const lists = createRowLists({
    database,
    tables: createFilterTables(database, bindings),
    readFilter: async () => ({ filter: { ok: false, diagnostics: [] }, view: undefined as never, position: 0n }),
    readTree: async () => ({ ok: false, diagnostics: [] }),
    ask: async (_, asked) => {
      const ids = asked.map(({ request }) => request.resource.id)
      const rows = await database.query<ObjectRow>(
        { name: '', text: `select ${objectColumns} from storage_object where id = any($1)` },
        [ids],
      )
      const byId = new Map(rows.map((row) => [row.id, objectEntity(readObject(row))]))
      return asked.map(({ request: { action, resource } }) => {
        const found = byId.get(resource.id)
        return judge({ action, resource, entities: found ? [found] : [] })
      })
    },
    changes: { silence: () => 0, catchUp: async () => 0n, seen: () => 0n },
    secrets,
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    isSampled: () => false,
  })
  const notice = inProcessNotices(database)
  const withTransaction = createWithTransaction({
    database,
    notice,
    clock,
    makeId: createIdMaker(),
    committed: () => {},
    wakeOutbox: () => {},
  })
  const tenant = {
    id: 'main',
    name: 'Main',
    status: 'active',
    registration: 'closed',
    issuer: 'http://x',
    pathPrefix: '',
    epoch: 0,
  } as const
  const tenants = { list: async () => [tenant] } as unknown as Kernel['tenants']
  const kernel = {
    clock,
    // Nothing else of the configuration is read.
    config: { profile: 'production' } as Kernel['config'],
    database,
    decisions,
    lists,
    consistency: createConsistencyTokens(secrets),
    secrets,
    tenants,
    withTransaction,
    log: pino({ level: 'silent' }),
  }
  const storage: Storage = { kernel, objects: await openFileSystemStore(folder), settings: defaultSettings }
  await database.query({ name: '', text: `insert into tenant (id, name) values ('main', 'Main'), ('other', 'Other')` })
  await database.query({ name: '', text: `insert into tenant_revision (tenant_id) values ('main'), ('other')` })
  await database.query({
    name: '',
    text: `insert into organization (tenant_id, id, name) values ('main', 'o', 'O'), ('other', 'o', 'O')`,
  })
  const store = openStorageStore(database, 'main')
  // Stores read the tenant, the subject and the time of a scope; nothing here reads the rest.
  const scope = {
    requestId: 'r',
    tenant,
    subject: { kind: 'entity', type: 'User', id: 'u' },
    scopes: new Set(),
    ip: '::1',
    now: clock.now(),
    // Nothing is declared: what is allowed is said by `rule`.
    policy: { tenantId: 'main', version: 'v', program: compileProgram([]).program },
  } as unknown as RequestScope
  return {
    storage,
    store,
    scope,
    clock,
    folder,
    allow: (next: typeof rule) => {
      rule = next
    },
    judgement: judge({ action: 'x', resource: scope.subject }),
    async bucket(id: string, quotaBytes: number): Promise<Bucket> {
      const bucket = { id, organizationId: 'o', quotaBytes, usedBytes: 0, publicRead: false, createdAt: clock.now() }
      await store.insertBucket(bucket)
      return bucket
    },
    put: (
      bucket: Bucket,
      key: string,
      content: string | Buffer | Readable,
      more: Partial<Upload> = {},
    ): Promise<Uploaded> => {
      const stream = content instanceof Readable ? content : Readable.from([Buffer.from(content)])
      return upload(storage, {
        scope,
        judgement: judge({ action: 'upload', resource: scope.subject }),
        bucket,
        key,
        contentType: 'text/plain',
        contentDigest: undefined,
        conditions: {},
        stream,
        ...more,
      })
    },
    numbers: async (bucketId: string) => {
      const [row] = await database.query<{ used: number; reserved: number; uploads: number }>(
        {
          name: '',
          text: `select used_bytes as used, reserved_bytes as reserved, (select count(*) from storage_upload) as uploads
               from storage_bucket where tenant_id = 'main' and id = $1`,
        },
        [bucketId],
      )
      return row
    },
    files: (): string[] =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name),
    async close() {
      await notice.close()
      await close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
