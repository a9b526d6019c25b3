import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pino from 'pino'
import { bindings } from '../../../platform/storage/bindings.ts'
import { listObjects } from '../../../platform/storage/list-page.ts'
import type { Bucket } from '../../../platform/storage/model.ts'
import { createFilterTables } from '../../../server/decision/filter-tables.ts'
import { createRowLists } from '../../../server/decision/list-rows.ts'
import type { RowListsDeps } from '../../../server/decision/page-reading.ts'
import { createMetrics } from '../../../server/http/metrics.ts'
import type { RequestScope } from '../../../server/module.ts'
import { entity, type ListStand, openListStand } from './list-stand.ts'

let stand: ListStand
let bucket: Bucket
beforeAll(async () => {
  stand = await openListStand()
  bucket = await stand.bucket('files')
  for (const key of ['a', 'b', 'c', 'd', 'e']) await stand.object(bucket, key)
}, 60_000)
afterAll(() => stand?.close())

const ann = entity('User', 'ann')
const page = (scope: RequestScope, cursor?: string, limit = 2) =>
  listObjects(stand.storage, scope, bucket, { prefix: '', limit, cursor })
const keysOf = ({ items }: Awaited<ReturnType<typeof page>>) => items.map(({ row }) => row.key)
const withRules = async (text: string, subject = ann): Promise<RequestScope> => {
  const files = { 'r.fbac': `import StoredObject from "storage"\nimport User from "writ:identity"\n${text}` }
  const { policy, diagnostics } = await stand.kernel.policies.compose(stand.kernel.tenants.default().id, 'test', files)
  if (!policy) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return stand.scopeOf(subject, policy)
}
const refusalOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: { readonly kind?: { readonly code: string } }) => error.kind?.code ?? String(error),
  )

describe('pages (modules.md §0, lists)', () => {
  test('a row that nobody may see is on no page, fills none, and leaves no gap to count', async () => {
    const scope = await withRules(
      `@id("hide") deny read on object: StoredObject to anyone\n  when object.key in ["b", "d"]\n`,
    )
    const first = await page(scope)
    const second = await page(scope, first.nextCursor)
    expect([keysOf(first), keysOf(second), second.nextCursor]).toEqual([['a', 'c'], ['e'], undefined])
    const hidden = await stand.judge(scope, entity('StoredObject', 'files-b'))
    expect(hidden.decision).toBe(false)
  })

  test('a page that ends with the last visible row has no cursor, though hidden ones follow', async () => {
    const scope = await withRules(
      `@id("hide") deny read on object: StoredObject to anyone\n  when object.key in ["c", "d", "e"]\n`,
    )
    expect((await page(scope)).nextCursor).toBeUndefined()
  })

  test('says the rules and a state by which every row of it stands', async () => {
    const scope = await stand.scopeOf(ann)
    const { version, position } = await page(scope)
    expect(version).toBe(scope.policy.version)
    expect(position).toBe(stand.kernel.changes.seen(scope.tenant.id))
  })

  test('new rules are obeyed from the next page on, and told', async () => {
    const first = await page(await stand.scopeOf(ann))
    const changed = await withRules(
      `@id("hide") deny read on object: StoredObject to anyone\n  when object.key == "c"\n`,
    )
    const second = await page(changed, first.nextCursor)
    expect(keysOf(second)).toEqual(['d', 'e'])
    expect(second.version).not.toBe(first.version)
  })

  test('what was granted is on the next page that is asked for', async () => {
    const bob = entity('User', 'bob')
    expect(keysOf(await page(await stand.scopeOf(bob)))).toEqual([])
    const resource = entity('StoredObject', 'files-d')
    await stand.put({ resource, relation: 'viewer', subject: { kind: 'one', entity: bob } })
    expect(keysOf(await page(await stand.scopeOf(bob)))).toEqual(['d'])
  })

  test('a cursor is of one subject, one list and one filter', async () => {
    const { nextCursor = '' } = await page(await stand.scopeOf(ann))
    const scope = await stand.scopeOf(ann)
    expect(await refusalOf(page(await stand.scopeOf(entity('User', 'eve')), nextCursor))).toBe('invalid_cursor')
    const other = { prefix: 'a', limit: 2, cursor: nextCursor }
    expect(await refusalOf(listObjects(stand.storage, scope, bucket, other))).toBe('invalid_cursor')
    expect(await refusalOf(page(scope, `${nextCursor.slice(0, -4)}AAAA`))).toBe('invalid_cursor')
    expect(Buffer.from(nextCursor, 'base64url').toString()).not.toContain('"b"')
  })

  test('rows whose key is hidden come last by id, and no prefix finds them (SPEC 5.15)', async () => {
    const scope = await withRules(
      `@id("mask") deny read on object: StoredObject to anyone\n  when object.key in ["a", "c"]\n  fields key\n`,
    )
    const { items } = await page(scope, undefined, 10)
    expect(items.map(({ row, fields }) => [row.id, fields?.includes('key')])).toEqual([
      ['files-b', true],
      ['files-d', true],
      ['files-e', true],
      ['files-a', false],
      ['files-c', false],
    ])
    const found = await listObjects(stand.storage, scope, bucket, { prefix: 'a', limit: 10 })
    expect(found.items).toEqual([])
  })

  test('a rule that SQL cannot say is still obeyed, row by row, and the log says so once', async () => {
    const told = () => stand.server.log.filter((line) => line.includes('judges row by row')).length
    const before = told()
    const scope = await withRules(
      `@id("by-hour") deny read on object: StoredObject to anyone\n  when object.createdAt.hour("Asia/Seoul") < 24 and object.key == "b"\n`,
    )
    const first = await page(scope)
    expect(keysOf(first)).toEqual(['a', 'c'])
    expect(keysOf(await page(scope, first.nextCursor))).toEqual(['d', 'e'])
    expect(told() - before).toBe(1)
    const metrics = await (await stand.server.admin('GET', '/metrics')).text()
    expect(metrics).toMatch(/writ_lists_total\{how="rows"\} [1-9]/)
    expect(metrics).toMatch(/writ_lists_total\{how="filter"\} [1-9]/)
  })
})

describe('the filter itself, for modules that write their own statement', () => {
  const ask = async (rules: string, type = 'StoredObject') => {
    const scope = await withRules(`import Bucket from "storage"
${rules}`)
    return stand.kernel.lists.filter(scope, { action: 'read', type, firstBinding: 3 })
  }

  test('all, none, a condition with bindings, or what cannot be said at its place', async () => {
    const all = '@id("all") allow read on Bucket to User\n'
    expect(await ask(all, 'Bucket')).toEqual({ kind: 'all' })
    expect(await ask(`${all}@id("none") deny read on Bucket to anyone\n`, 'Bucket')).toEqual({ kind: 'none' })
    const some = await ask(`@id("some") deny read on object: StoredObject to anyone\n  when object.key == "x"\n`)
    expect(some).toMatchObject({
      kind: 'rows',
      sql: expect.stringContaining('$3'),
      bindings: expect.arrayContaining(['x']),
    })
    const not = await ask(
      `@id("by-hour") deny read on object: StoredObject to anyone\n  when object.createdAt.hour("Asia/Seoul") < 6\n`,
    )
    expect(not).toMatchObject({ kind: 'unsayable', diagnostics: [{ code: 'F7001' }] })
  })
})

describe('POST /admin/v1/decisions/list', () => {
  const ask = async (type: string) => {
    const request = { subject: { type: 'User', id: 'ann' }, action: { name: 'read' }, resource: { type } }
    const answer = await stand.server.admin('POST', '/admin/v1/decisions/list', { request })
    return { status: answer.status, body: (await answer.json()) as { readonly [member: string]: unknown } }
  }

  test('says how the list is made, and the rules as a condition tree', async () => {
    const { status, body } = await ask('StoredObject')
    expect(status).toBe(200)
    expect(body).toMatchObject({ how: 'filter', tree: { version: 1, action: 'read', type: 'StoredObject' } })
    expect(JSON.stringify(body)).toContain('"op":"isTrue"')
  })

  test('nobody is on a list of a type or an action that nobody declares', async () => {
    expect((await ask('Nothing')).body).toMatchObject({
      how: 'none',
      tree: { condition: { op: 'value', value: false } },
    })
  })

  test('a rule that neither can say is refused at its place', async () => {
    const text = `import StoredObject from "storage"
import Client from "writ:identity"
extern fn risk(key: String): Int within 50ms else 0
@id("risky") deny read on object: StoredObject to anyone
  when risk(object.key) > 5
`
    const { kernel } = stand
    const scope = await withRules(text)
    const question = { action: 'read', type: 'StoredObject' }
    expect(await kernel.lists.tree(scope, question)).toMatchObject({ ok: false, diagnostics: [{ code: 'F7003' }] })
    expect(await kernel.lists.filter(scope, question)).toMatchObject({ kind: 'unsayable' })
  })
})

describe('a page that is judged again (SPEC 7.7)', () => {
  const view = undefined as never
  /** A filter that lists everything, and checks that `allows` decides. */
  const lists = (allows: (id: string) => boolean, changes: Partial<RowListsDeps['changes']> = {}) => {
    const metrics = createMetrics()
    const lines: string[] = []
    const { database, secrets } = stand.kernel
    const made = createRowLists({
      database,
      secrets,
      metrics,
      tables: createFilterTables(database, bindings),
      readFilter: async () => ({
        filter: { ok: true, sql: 'true', bindings: [], fields: ['key'] },
        view,
        position: 4n,
      }),
      readTree: async () => ({ ok: false, diagnostics: [] }),
      ask: async (_, asked) =>
        asked.map(({ request }) => ({
          ...{ decision: allows(request.resource.id), reasons: [], errors: [], degraded: [], advice: [], texts: [] },
          fields: ['key'],
        })),
      changes: { silence: () => 0, seen: () => 4n, catchUp: async () => 4n, ...changes },
      log: pino({ level: 'error' }, { write: (line) => lines.push(line) }),
      isSampled: () => true,
    })
    const storage = { ...stand.storage, kernel: { ...stand.kernel, lists: made } }
    const counts = async () => {
      const { values } = await metrics.rejudgedLists.get()
      return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]))
    }
    const list = async () => listObjects(storage, await stand.scopeOf(ann), bucket, { prefix: '', limit: 3 })
    return { list, counts, lines }
  }

  test('leaves as it is where every row is allowed', async () => {
    const { list, counts, lines } = lists(() => true)
    expect((await list()).items).toHaveLength(3)
    expect([await counts(), lines]).toEqual([{ agreed: 1 }, []])
  })

  test('is withheld whole where a check refuses one row, counted, and the log names the row', async () => {
    const { list, counts, lines } = lists((id) => id !== 'files-b')
    expect(await refusalOf(list())).toBe('list_withheld')
    expect(await counts()).toEqual({ withheld: 1 })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ resource: 'StoredObject::files-b', subject: 'User::ann' })
  })

  test('is read anew where facts changed meanwhile, and answered if then they agree', async () => {
    let asked = 0
    const { list, counts } = lists(
      (id) => {
        asked += id === 'files-a' ? 1 : 0
        return asked > 1
      },
      { catchUp: async () => 5n },
    )
    expect((await list()).items).toHaveLength(3)
    expect(await counts()).toEqual({ moved: 1, agreed: 1 })
  })

  test('is refused where facts never come to rest', async () => {
    const { list, counts } = lists(() => false, { catchUp: async () => 5n })
    expect(await refusalOf(list())).toBe('decision_unavailable')
    expect(await counts()).toEqual({ moved: 3 })
  })
})
