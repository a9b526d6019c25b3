import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pino from 'pino'
import { storageModule } from '../../../../platform/storage/index.ts'
import type { Program, SqlTable } from '../../../../policy-lang/index.ts'
import { activatePolicyFiles } from '../../../../server/admin/activate-files.ts'
import { createPolicyCompiler } from '../../../../server/decision/compile-policies.ts'
import { createFilterTables, type FilterTables } from '../../../../server/decision/filter-tables.ts'
import { createCheckLists, type ListedAction } from '../../../../server/decision/oracle/check-lists.ts'
import { identityBindings } from '../../../../server/identity/bindings.ts'
import { startServer, type TestServer } from '../../../kit/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const storage = storageModule(async () => {
  throw new Error('nothing is stored')
})
const bindings = [...identityBindings, ...(storage.bindings ?? [])]
const lists: readonly ListedAction[] = [
  { action: 'read', type: 'StoredObject' },
  { action: 'read', type: 'Bucket' },
]
const now = Date.UTC(2026, 10, 23, 12)

type Distort = (tables: FilterTables) => FilterTables

async function check(
  files: { readonly [path: string]: string },
  { distort = (tables) => tables, active }: { readonly distort?: Distort; readonly active?: Program | undefined } = {},
) {
  const { kernel } = server
  const tenantId = kernel.tenants.default().id
  const { policy, diagnostics } = await kernel.policies.compose(tenantId, 'test', files)
  if (!policy) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const read = createFilterTables(kernel.database, bindings)
  const checked = createCheckLists({
    database: kernel.database,
    bindings,
    tables: async () => distort(await read()),
    compiler: createPolicyCompiler(),
    lists,
    log: pino({ level: 'silent' }),
  })
  return {
    unsayable: await checked.unsayable(policy),
    disagreements: await checked.disagreements(policy, { active, now }),
  }
}

const rules = `import StoredObject, Bucket from "storage"
import User, Client from "writ:identity"
@id("small-ones")
deny read on object: StoredObject to User
  when object.size > 10 and object.createdAt < context.now - 1d and object.contentType.startsWith("image/")
@id("not-the-archive")
deny read on object: StoredObject to anyone
  when object.key in ["archive", "old"] or object.bucket.quotaBytes < 100
`
const buckets = `import Bucket from "storage"
@id("old-buckets")
deny list on bucket: Bucket to anyone
  when bucket.usedBytes > 100000
`
/** The filter alone reads another column. */
const publicIs =
  (sql: string): Distort =>
  (tables) => {
    const table = tables.types.get('Bucket')
    if (!table) throw new Error('buckets have a table')
    const changed: SqlTable = { ...table, attributes: { ...table.attributes, publicRead: { sql, kind: 'any' } } }
    return { ...tables, types: new Map(tables.types).set('Bucket', changed) }
  }

describe('the row oracle (SPEC 7.7): check and filter over generated rows', () => {
  test('they agree for the rules that storage ships', async () => {
    expect(await check({})).toEqual({ unsayable: [], disagreements: [] })
  })

  test('they agree for rules of a tenant over columns, links and the clock', async () => {
    expect(await check({ 'a.fbac': rules })).toEqual({ unsayable: [], disagreements: [] })
  })

  test('a filter that reads another column than the check is found', async () => {
    const { disagreements } = await check({}, { distort: publicIs('not t.public_read') })
    expect(disagreements).toContainEqual(expect.objectContaining({ action: 'read', type: 'StoredObject' }))
  })

  test('a filter that fails in PostgreSQL is a disagreement about everything', async () => {
    const { disagreements } = await check({}, { distort: publicIs('t.no_such_column') })
    expect(disagreements).toContainEqual(expect.objectContaining({ type: 'StoredObject', rows: ['*'] }))
  })

  test('a list that means what it meant is not judged again, one with another rule is', async () => {
    const { program } = await server.kernel.policies.current(server.kernel.tenants.default().id)
    const distort = publicIs('not t.public_read')
    const unrelated = { 'u.fbac': 'entity Note { }\naction look on Note by anyone\nallow look on Note to anyone\n' }
    expect((await check(unrelated, { distort, active: program })).disagreements).toEqual([])
    expect((await check({ 'a.fbac': rules }, { distort, active: program })).disagreements).not.toEqual([])
  })

  test('what SQL cannot say is told with its place, as a warning', async () => {
    const byHour = `import StoredObject from "storage"
@id("by-hour")
deny read on object: StoredObject to anyone
  when object.createdAt.hour("Asia/Seoul") < 6
`
    const { unsayable, disagreements } = await check({ 'h.fbac': byHour })
    expect(unsayable.map(({ code, severity }) => [code, severity])).toContainEqual(['F7001', 'warning'])
    expect(unsayable[0]?.message).toContain('by-hour')
    expect(disagreements).toEqual([])
  })
})

test('rules whose list would differ are refused with the lists named, and the active version stays', async () => {
  const { kernel } = server
  const wrong = { unsayable: async () => [], disagreements: async () => [found] }
  const found = { action: 'read', type: 'StoredObject', subject: 'User::u', rows: ['o'] }
  const activated = activatePolicyFiles(
    { ...kernel, checkLists: wrong },
    { tenantId: kernel.tenants.default().id, set: 'test', files: { 'b.fbac': buckets } },
  )
  expect(await activated).toMatchObject({ activated: false, problems: expect.stringContaining('differ') })
})
